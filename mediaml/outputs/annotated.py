"""Annotated pictures and videos, drawn from the ledger in a thread beside the inference.

A source is drawn when all its answers are committed, so a killed run only has to draw again, never to
infer again. The thread has a view of its own on the ledger and never writes to it.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event

from mediaml.errors import MediamlError
from mediaml.ledger.view import SourceRow, View, open_view
from mediaml.location import Url
from mediaml.media.annotate_image import annotated_name
from mediaml.media.limits import Limits
from mediaml.ops.drawing import Overlay
from mediaml.types import Kind, UInt8Array
from mediaml.work import Failure

ARTIFACT = "annotated"

# File systems take 255 bytes (ext4, NTFS, APFS); ".part" and the number of a name that is taken want room.
_LONGEST = 240


@dataclass(frozen=True, slots=True)
class Drawn:
    """What came of drawing one source: the failure, or `None` and what had to be left out of the copy."""

    source: SourceRow
    target: Path
    failure: Failure | None = None
    dropped: tuple[str, ...] = ()


def annotated_path(source: SourceRow) -> str | None:
    """Where a source's annotated copy goes, under the output folder; `None` for sound and for a URL.

    A stream cannot be read a second time, and the ledger does not keep what a URL needs to be opened.
    """
    if source.kind is None or source.kind is Kind.AUDIO or isinstance(source.path, Url):
        return None
    wanted = PurePosixPath(annotated_name(source.name, source.kind))
    folders = (_shortened(part, "") for part in wanted.parts[:-1])
    ending = f".annotated{wanted.suffix}"
    return str(PurePosixPath(*folders, _shortened(wanted.name.removesuffix(ending), ending)))


def _shortened(stem: str, ending: str) -> str:
    """A name that every file system takes: at most `_LONGEST` bytes, cut between characters."""
    kept = stem.encode()[: _LONGEST - len(ending.encode())]
    return kept.decode(errors="ignore") + ending


class _StoppedError(Exception):
    """The run is over before the copy is."""


def draw(folder: Path, source: SourceRow, target: Path, limits: Limits, stop: Event) -> Drawn:
    """Write the annotated copy of one source from the ledger in `folder`; never raises for a bad file.

    Setting `stop` from another thread ends it within a frame and leaves no file.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_view(folder) as view:
            dropped = _write(view, source, target, limits, stop)
    except (MediamlError, OSError) as error:
        return Drawn(source, target, Failure.of("write", error))
    except Exception as error:  # noqa: BLE001  a codec may raise anything; it costs this copy, not the run
        return Drawn(source, target, Failure.of("write", error))
    return Drawn(source, target, dropped=dropped)


def _write(view: View, source: SourceRow, target: Path, limits: Limits, stop: Event) -> tuple[str, ...]:
    def overlay(frame: int) -> Overlay:
        if stop.is_set():
            raise _StoppedError("the run was stopped before this copy was written.")
        labels, detections = view.overlay(source.id, frame)
        return Overlay(labels, detections)

    def picture(frame: int) -> UInt8Array | None:
        return view.picture(source.id, frame)

    assert isinstance(source.path, Path), "a URL has no copy"

    if source.kind is Kind.IMAGE:
        from mediaml.media.annotate_image import write_annotated_image

        write_annotated_image(source.path, target, overlay(0), picture=picture(0), limits=limits)
        return ()
    from mediaml.media.annotate_video import write_annotated_video

    pictures = picture if view.has_pictures(source.id) else None
    return write_annotated_video(source.path, target, overlay, pictures=pictures, limits=limits).dropped


class Annotator:
    """Draws sources one after the other in a thread of its own.

    Args:
        folder: the output folder with the ledger.
        limits: as for reading.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._stop = Event()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="annotate")
        self._pending: list[Future[Drawn]] = []

    @property
    def pending(self) -> int:
        """Number of sources that wait to be drawn or are being drawn."""
        return len(self._pending)

    def submit(self, source: SourceRow, target: Path) -> None:
        """Draw a source later."""
        task = self._executor.submit(draw, self._folder, source, target, self._limits, self._stop)
        self._pending.append(task)

    def finished(self, *, wait_s: float = 0.0) -> list[Drawn]:
        """Sources that have been drawn since the last call; waits up to `wait_s` for the oldest."""
        if self._pending and wait_s:
            try:
                self._pending[0].exception(timeout=wait_s)
            except TimeoutError:
                return []
        # Asked once: a copy that is finished between two questions would be lost.
        done = {future for future in self._pending if future.done()}
        drawn = [future.result() for future in self._pending if future in done]
        self._pending = [future for future in self._pending if future not in done]
        return drawn

    def close(self) -> None:
        """Drop what waits and what is being drawn; a copy that is not whole leaves no file."""
        self._stop.set()
        self._executor.shutdown(wait=True, cancel_futures=True)
