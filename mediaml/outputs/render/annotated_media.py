"""Annotated media, rendered in a separate process: a crash costs one copy."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event as Flag

from mediaml.core.channel import Channel
from mediaml.core.location import encoded
from mediaml.core.work import Failure
from mediaml.engine.local.child import Child, Event, Exited
from mediaml.engine.local.crash_attribution import Cause, cause_of_exit, cause_of_silence
from mediaml.engine.local.start import start
from mediaml.ledger.result_rows import SourceRow
from mediaml.media.limits import Limits
from mediaml.outputs.base import Rendered
from mediaml.outputs.render.job import RenderJob
from mediaml.outputs.render.messages import (
    Advance,
    Copied,
    Draw,
    Drawing,
    DrawSetup,
    Forget,
    Obeyed,
    RenderReport,
    Sketch,
)
from mediaml.outputs.render.paths import ARTIFACT, annotated_path, remove_segments

RENDERER = "mediaml.outputs.render"
"""The module that the drawing process runs."""
_EVENTS = 256
_MOST_IDLE_DEATHS = 3


class AnnotatedMedia(AbstractContextManager["AnnotatedMedia"]):
    """The `SliceOutput` for images and videos with boxes; its process starts at once and waits for `begin`.

    Args:
        stall_s: seconds without progress after which a copy is abandoned; `None` waits without limit.
    """

    kind = ARTIFACT

    def __init__(self, stall_s: float | None = None) -> None:
        self._stall_s = stall_s
        self._stop = Flag()
        self._events: Channel[Event[RenderReport]] = Channel(_EVENTS, self._stop)
        self._child: Child[RenderReport] = Child(RenderReport, self._events, start(RENDERER))
        self._setup: DrawSetup | None = None
        self._pending: dict[int, tuple[SourceRow, Path]] = {}
        self._orders = 0  # not handled by the process yet
        self._drawing: int | None = None
        self._spoilt: dict[int, Failure] = {}
        self._rendered: list[Rendered] = []
        self._idle_deaths = 0

    def begin(
        self,
        folder: Path,
        limits: Limits,
        slice_s: float,
        job: RenderJob = RenderJob(),  # noqa: B008
        work: Path | None = None,
    ) -> None:
        """Set the ledger to draw from; see `Annotator`."""
        paths = [os.fsencode(path.absolute()) for path in (folder, work or folder)]
        self._setup = DrawSetup(paths[0], limits, slice_s, job, paths[1])
        self._child.send(self._setup)

    @property
    def pending(self) -> int:
        """Number of copies that are still to be written."""
        return len(self._pending)

    @property
    def drawing(self) -> int | None:
        """The source that is being drawn, by its id; `None` where none is."""
        return self._drawing

    @property
    def idle(self) -> bool:
        """Whether the process has done all that was asked for."""
        return self._orders == 0

    def advance(self, source: SourceRow, number: int) -> None:
        """The slices of a video up to one of that number can be drawn, as time allows."""
        if source.id not in self._spoilt:
            self._tell(Advance(source.id, number))

    def target(self, source: SourceRow) -> str | None:
        """See `annotated_path`."""
        return annotated_path(source)

    def finish(self, source: SourceRow, target: Path) -> None:
        """Draw what is missing of a source and write its copy, later."""
        failure = self._spoilt.pop(source.id, None)
        if failure is not None:
            self._rendered.append(Rendered(source, target, failure))
            return
        self._pending[source.id] = source, target
        self._tell(_order(source, target))

    def drop(self, source: int) -> None:
        """Draw no more of a source, and remove what was drawn."""
        self._tell(Forget(source))

    def finished(self, *, wait_s: float = 0.0) -> list[Rendered]:
        """Sources that have been settled since the last call; waits up to `wait_s` for one."""
        until = time.monotonic() + wait_s
        self._take_events()
        while self._pending and not self._rendered and time.monotonic() < until:
            self._take_events()
            self._watch()
        drawn, self._rendered = self._rendered, []
        return drawn

    def settle(self, sources: Iterable[int]) -> None:
        """Remove the segments of sources whose copies are written, or not wanted."""
        if self._setup is not None:
            remove_segments(Path(os.fsdecode(self._setup.work)), sources)

    def close(self) -> None:
        """Drop pending work and the copy being drawn; an incomplete copy leaves no file.

        Closing twice does nothing.
        """
        if self.idle:
            self._child.kill()  # it has nothing to clean up, and this is faster
        else:
            self._child.dismiss()
        self._child.wait()
        self._stop.set()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, order: Sketch) -> None:
        self._orders += 1
        self._child.send(order)

    def _take_events(self) -> None:
        event = self._events.get() if self._pending else self._events.get_nowait()
        while event is not None:
            if event.child is self._child:
                self._take(event.what)
            event = self._events.get_nowait()

    def _take(self, what: RenderReport | Exited) -> None:
        match what:
            case Drawing():
                self._drawing, self._idle_deaths = what.source, 0
            case Obeyed():
                self._orders -= 1
                self._drawing = None
            case Copied():
                self._orders -= 1
                if self._drawing == what.source:  # else another is, and this one never got so far
                    self._drawing = None
                source, target = self._pending.pop(what.source)
                self._rendered.append(Rendered(source, target, what.failure, what.dropped))
            case Exited():
                self._replace_worker(cause_of_exit(what.code))

    def _watch(self) -> None:
        """Abandon a process that has been silent for too long."""
        silent_s = time.monotonic() - self._child.last_sign_s
        if self._stall_s is not None and self._drawing is not None and silent_s > self._stall_s:
            self._child.kill()
            self._replace_worker(cause_of_silence(self._stall_s))

    def _replace_worker(self, cause: Cause) -> None:
        """Replace a dead process: the copy that it drew fails, and the others are drawn again."""
        guilty, self._drawing = self._drawing, None
        if guilty is None:
            self._idle_deaths += 1
        if guilty in self._pending:
            self._fail({guilty: self._pending.pop(guilty)}, cause)
        elif guilty is not None:
            self._spoilt[guilty] = _failure(cause)
        if self._idle_deaths >= _MOST_IDLE_DEATHS:
            self._fail(self._pending, cause)
            self._pending = {}
        self._child, self._orders = Child(RenderReport, self._events, start(RENDERER)), 0
        if self._setup is not None:
            self._child.send(self._setup)
        for source, target in self._pending.values():
            self._tell(_order(source, target))

    def _fail(self, pending: Mapping[int, tuple[SourceRow, Path]], cause: Cause) -> None:
        self._rendered += [Rendered(source, target, _failure(cause)) for source, target in pending.values()]


def _order(source: SourceRow, target: Path) -> Draw:
    return Draw(source.id, os.fsencode(target.absolute()), encoded(source.file))


def _failure(cause: Cause) -> Failure:
    text = f"the process that rendered its annotated copy {cause.ending}."
    return Failure(
        "write", cause.error.__name__, f"{text}\nIts results are kept; --no-annotate skips annotated copies."
    )
