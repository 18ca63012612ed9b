"""Annotated images and videos, drawn from the ledger in a process beside the inference.

A time slice of a video is drawn when the answers to it are committed, and the copy is joined when all are; an
image is drawn at once. A killed run draws what is missing, and never infers again. The process has
views of its own on the ledger and never writes to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock

from mediaml.core.errors import MediamlError
from mediaml.core.media import Kind
from mediaml.core.work import Failure
from mediaml.ledger.result_rows import SourceRow
from mediaml.media.limits import Limits
from mediaml.outputs.base import Rendered
from mediaml.outputs.render.artist import Artist, StoppedError
from mediaml.outputs.render.images import draw_image, draw_sequence
from mediaml.outputs.render.job import RenderJob
from mediaml.outputs.render.paths import remove_segments, sequence_format


def import_writers() -> None:
    """Import what images need ahead of the first one; a video can wait for its encoder."""
    import mediaml.media.write.annotated_image  # noqa: F401


def draw_copy(
    artist: Artist,
    folder: Path,
    source: SourceRow,
    target: Path,
    limits: Limits,
    job: RenderJob = RenderJob(),  # noqa: B008
) -> Rendered:
    """Write the annotated copy of one source from the ledger in `folder`; never raises for a bad file.

    Args:
        artist: draws videos; its `stopped` ends them, and animations, within a frame and leaves no copy.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if sequence_format(source) is not None:
            draw_sequence(artist, folder, source, target, limits, job)
            return Rendered(source, target)
        if source.kind is Kind.IMAGE:
            return Rendered(source, target, dropped=draw_image(folder, source, target, limits, job))
        return Rendered(source, target, dropped=artist.finish(source, target))
    except (MediamlError, OSError) as error:
        return Rendered(source, target, Failure.of("write", error))
    except Exception as error:  # noqa: BLE001  a codec may raise anything; it costs this copy, not the run
        return Rendered(source, target, Failure.of("write", error))


class Annotator:
    """Draws sources one after the other in a thread of its own.

    Args:
        folder: the output folder with the ledger.
        limits: as for reading.
        slice_s: length of the time slices in the ledger, seconds.
        job, work: see `Artist`.
        began: called with the id of each source that is about to be rendered.
        settled: called with the result of each that was submitted.
        step: called once per frame.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        *,
        slice_s: float,
        began: Callable[[int], None],
        settled: Callable[[Rendered], None],
        step: Callable[[], None],
        job: RenderJob = RenderJob(),  # noqa: B008
        work: Path | None = None,
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._slice_s = slice_s
        self._job = job
        self._work = work or folder
        self._began = began
        self._settled = settled
        self._step = step
        self._stop = Event()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="annotate")
        self._pending: list[Future[None]] = []
        self._artist: Artist | None = None
        self._lock = Lock()
        # By video: the last slice that can be drawn, fewer than none where none is wanted any more; and, of
        # the thread, the one to draw next.
        self._reached: dict[int, float] = {}
        self._next: dict[int, int | None] = {}
        self._ahead: int | None = None

    def advance(self, source: SourceRow, number: int) -> None:
        """Draw the slices of a video up to one of that number, later, as time allows.

        What waits is a number for each video under way, however far drawing falls behind.
        """
        with self._lock:
            waits = source.id in self._reached
            if self._reached.get(source.id) != -math.inf:
                self._reached[source.id] = number
        if not waits:
            self._executor.submit(self._draw_ahead, source)

    def submit(self, source: SourceRow, target: Path) -> None:
        """Draw what is missing of a source and write its copy, later."""
        self._pending = [future for future in self._pending if not future.done()]
        self._pending.append(self._executor.submit(self._draw, source, target))

    def drop(self, sources: Iterable[int], *, wait: bool = False) -> None:
        """Draw no more slices of some sources ahead, and remove those that were drawn.

        Args:
            wait: until they are gone.
        """
        sources = list(sources)
        with self._lock:
            self._reached.update(dict.fromkeys(sources, -math.inf))
        removal = self._executor.submit(remove_segments, self._work, sources)
        if wait:
            removal.result()

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call a function in the drawing thread once everything requested so far is done."""
        self._executor.submit(call)

    def close(self) -> None:
        """Drop pending work and the copy or slice being drawn, which leaves no file.

        Closing twice does nothing.
        """
        if self._stop.is_set():
            return
        self._stop.set()
        for future in self._pending:
            future.cancel()
        self._executor.submit(self._put_away)
        self._executor.shutdown(wait=True)

    def _draw(self, source: SourceRow, target: Path) -> None:
        self._ahead = None
        with self._lock:
            self._reached.pop(source.id, None)
        self._next.pop(source.id, None)
        self._began(source.id)
        try:
            drawn = draw_copy(self._own(), self._folder, source, target, self._limits, self._job)
        except MediamlError as error:
            drawn = Rendered(source, target, Failure.of("write", error))
        self._settled(drawn)

    def _draw_ahead(self, source: SourceRow) -> None:
        """Draw the slices that can be drawn. A failure is met again, and reported, by `_draw`."""
        self._ahead = source.id
        try:
            number: int | None = self._next.get(source.id, 0)
            while number is not None and self._has_reached(source.id, number):
                self._began(source.id)
                self._next[source.id] = None
                self._next[source.id] = number = self._own().draw(source, number)
        except (StoppedError, MediamlError, OSError):
            return
        except Exception:  # noqa: BLE001  as in `draw_copy`
            return

    def _has_reached(self, source: int, number: int) -> bool:
        """Whether a slice can be drawn; if not, the next `advance` calls the thread again."""
        with self._lock:
            if number <= self._reached.get(source, -math.inf) and not self._stop.is_set():
                return True
            if self._reached.get(source, -math.inf) > -math.inf:
                del self._reached[source]
            return False

    def _own(self) -> Artist:
        """The artist of this thread."""
        if self._artist is None:
            self._artist = Artist(
                self._folder,
                self._limits,
                slice_s=self._slice_s,
                job=self._job,
                work=self._work,
                stopped=self._stopped,
            )
        return self._artist

    def _stopped(self) -> bool:
        """Whether the run is over, or what is being drawn ahead is no longer wanted."""
        self._step()
        dropped = self._ahead is not None and self._reached.get(self._ahead) == -math.inf
        return self._stop.is_set() or dropped

    def _put_away(self) -> None:
        if self._artist is not None:
            self._artist.close()
