"""Annotated videos drawn from the ledger slice by slice, each into a file that a killed run finds again.

The slices of source 7 are in `.segments/7` under the output folder until they are joined. One is good for as
long as all that it was drawn from is the same: the source, the predictions for its frames, and how it is
drawn and encoded. All that is in its fingerprint; a slice with another fingerprint is rendered again.

"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import ChangedError, MediaError
from mediaml.core.frame import Frame
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.slice_rows import DrawingResults, DrawnRow
from mediaml.media.files import FileWatch
from mediaml.media.limits import Limits
from mediaml.ops.look import Look
from mediaml.ops.overlay import Overlay
from mediaml.outputs.render.job import RenderJob
from mediaml.outputs.render.layers import Moment, authors_of, picture_of
from mediaml.outputs.render.neighbours import Neighbours
from mediaml.outputs.render.paths import remove_segments, segments_folder
from mediaml.outputs.render.slice_answers import Sampled, SliceAnswers, require_answered

if TYPE_CHECKING:
    from mediaml.media.write.segment_drawer import SegmentDrawer
    from mediaml.media.write.segment_file import Segment, SegmentFile


class StoppedError(Exception):
    """The run is over before the copy is."""


@dataclass(frozen=True, slots=True)
class _Basis:
    """What all segments of one copy are drawn from, beside the answers.

    Attributes:
        source: whose copy. stamp: of the file. pictures: size of those that may take the place of frames.
        shown: whether frames are tone-mapped and deinterlaced. look: how results are drawn.
    """

    source: SourceRow
    stamp: tuple[int, int, str]
    pictures: tuple[int, int] | None
    shown: tuple[bool, bool]
    look: Look

    def fingerprint(self, number: int, slice_s: float, answers: SliceAnswers, drawn: Iterable[Moment]) -> str:
        """SHA-256 over everything that decides what a segment holds."""
        from mediaml.media.write.segment_drawer import drawing_settings

        shown = [(moment, answers.fingerprint(moment)) for moment in drawn]
        settings = drawing_settings(), self.shown, self.look, self.stamp, self.pictures, number, slice_s
        whole = (settings, answers.around, shown)
        return hashlib.sha256(msgspec.json.encode(whole)).hexdigest()


class Artist(AbstractContextManager["Artist"]):
    """Draws copies of videos from the ledger of an output folder; belongs to one thread or process.

    It keeps the last source open, so that its slices, asked for in order, cost one pass over it.

    Args:
        folder: the output folder.
        limits: as for reading.
        slice_s: length of the time slices in the ledger, seconds.
        job: what is drawn, and how.
        work: the folder that segments are kept in; `None` for the output folder.
        stopped: asked once per frame; if true, `StoppedError` is raised and no partial file is left.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        *,
        slice_s: float,
        job: RenderJob = RenderJob(),  # noqa: B008
        work: Path | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._work = work or folder
        self._limits = limits
        self._job = job
        self._shown = limits.tone_map, limits.deinterlace
        self.slice_s = slice_s
        self._stopped = stopped
        self._view = DrawingResults(folder, job.selection)
        self._neighbours = Neighbours(self._view, job.look, slice_s)
        self._basis: _Basis | None = None
        self._drawer: SegmentDrawer | None = None
        self._watch: FileWatch | None = None
        self._answers = SliceAnswers((), {})

    def close(self) -> None:
        """Let go of source and ledger; closing twice does nothing."""
        self._put_away()
        self._view.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def draw(self, source: SourceRow, number: int) -> int | None:
        """Draw one slice of a video, unless it is there already.

        The answers of all models to it must have been committed, or it will have to be drawn again.

        Returns:
            Number of the next slice that has frames; `None` after the last one.

        Raises:
            StoppedError: see `stopped`.
            MediaError: the source cannot be read, or the segment cannot be written.
        """
        rows = self._view.slice_rows(source.id, number, self.slice_s)
        return self._segment(self._basis_of(source, rows), number, rows).following

    def finish(self, source: SourceRow, target: Path) -> tuple[str, ...]:
        """Draw the slices of a video that are missing, and join all of them.

        The segments stay, so that a run killed before the ledger knows of the copy only joins them again;
         `remove_segments` follows once the ledger knows of the copy.

        Returns:
            What is missing from the copy and why, one sentence each.

        Raises:
            StoppedError: see `stopped`.
            MediaError: see `draw`; or the copy cannot be written.
        """
        from mediaml.media.write.segment_file import BrokenSegmentError

        stamp, pictures = self._view.stamp(source.id), self._view.picture_size(source.id)
        basis = _Basis(source, stamp, pictures, self._shown, self._job.look)
        try:
            dropped = self._joined(basis, target)
        except BrokenSegmentError:
            # Damaged on disk, or written by another build of the encoder; new ones cannot be.
            remove_segments(self._work, [source.id])
            dropped = self._joined(basis, target)
        self._put_away()
        return dropped

    def _joined(self, basis: _Basis, target: Path) -> tuple[str, ...]:
        from mediaml.media.write.join import join_segments
        from mediaml.media.write.side_streams import KeptStreams

        files: list[SegmentFile] = []
        number: int | None = 0
        while number is not None:
            files.append(self._file(basis, number))
            rows = self._view.slice_rows(basis.source.id, number, self.slice_s)
            number = self._segment(basis, number, rows).following
        layout = self._drawer_of(basis).slices.layout

        def check() -> None:
            self.check()
            self._check_source()

        # What describes a source may show or tell what is hidden in the copy: where it was taken, of whom.
        kept = KeptStreams(audio=self._job.audio, tags=not self._job.look.hides)
        return join_segments(
            basis.source.file, target, layout, files, limits=self._limits, check=check, kept=kept
        ).dropped

    def _basis_of(self, source: SourceRow, rows: list[DrawnRow]) -> _Basis:
        """The basis as of now; what comes later may change it: `finish` renders that again."""
        stamp, open_ = self._view.stamp(source.id), self._basis
        if open_ is not None and (open_.source, open_.stamp) == (source, stamp):
            if open_.pictures is not None or not any(row.picture for row in rows):
                return open_
            return replace(open_, pictures=self._view.picture_size(source.id))
        pictures = self._view.picture_size(source.id)
        return _Basis(source, stamp, pictures, self._shown, self._job.look)

    def _file(self, basis: _Basis, number: int) -> SegmentFile:
        from mediaml.media.write.segment_file import SegmentFile

        return SegmentFile(segments_folder(self._work, basis.source.id), number)

    def _segment(self, basis: _Basis, number: int, rows: list[DrawnRow]) -> Segment:
        self.check()
        models, look = self._view.models_of(basis.source.id), self._job.look
        around = self._neighbours.of(basis.source, number)
        sampled = Sampled.of(models, lambda model: self._view.row_before(basis.source.id, model, number))
        answers = SliceAnswers(rows, authors_of(models), look, around, sampled)
        file = self._file(basis, number)
        segment = file.read()
        if segment and segment.fingerprint == basis.fingerprint(
            number, self.slice_s, answers, segment.frames
        ):
            return segment
        drawer, self._answers = self._drawer_of(basis), answers
        segment = self._drawn(drawer, basis, file, from_start=False)
        if drawer.slices.sought and not answers.agree(segment.frames):
            # Of a damaged file a pass from a keyframe may show other frames than the one that was answered.
            segment = self._drawn(drawer, basis, file, from_start=True)
        if look.hides:
            try:
                require_answered(basis.source, answers, models, segment.frames)
            except MediaError:
                file.remove()
                raise
        return segment

    def _drawn(self, drawer: SegmentDrawer, basis: _Basis, file: SegmentFile, *, from_start: bool) -> Segment:
        answers = self._answers

        def overlay(frame: Frame) -> Overlay:
            self.check()
            return answers.overlay((frame.time_s, frame.duration_s))

        def fingerprint(drawn: list[Moment]) -> str:
            return basis.fingerprint(file.number, self.slice_s, answers, drawn)

        segment = drawer.draw(file, overlay, fingerprint=fingerprint, from_start=from_start)
        try:
            self._check_source()
        except ChangedError:
            file.remove()
            raise
        return segment

    def _drawer_of(self, basis: _Basis) -> SegmentDrawer:
        if self._drawer is None or self._basis != basis:
            from mediaml.media.write.segment_drawer import SegmentDrawer

            self._put_away()
            self._watch = FileWatch(basis.source.path, basis.stamp[:2])
            self._check_source()
            self._drawer = SegmentDrawer(
                basis.source.file,
                self._limits,
                slice_s=self.slice_s,
                pictures=None if basis.pictures is None else self._picture,
                size=basis.pictures,
                look=basis.look,
            )
            self._basis = basis
            self._check_source()
        return self._drawer

    def _check_source(self) -> None:
        """Raise `ChangedError` where the file is not the one that was read for the answers."""
        if self._watch is not None:
            self._watch.check()

    def _picture(self, frame: Frame) -> UInt8Array | None:
        """See `picture_of`."""
        assert self._basis is not None
        rows = self._answers.rows((frame.time_s, frame.duration_s))
        return picture_of(self._view, self._basis.source.id, rows)

    def _put_away(self) -> None:
        if self._drawer is not None:
            self._drawer.close()
        self._drawer = self._basis = self._watch = None

    def check(self) -> None:
        """Raise `StoppedError` where that is asked for; see `stopped`."""
        if self._stopped():
            raise StoppedError("the run was stopped before this copy was written.")
