"""What is drawn for one time slice of a source."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Detection, Label
from mediaml.ledger.frames import KeptFrame, kept_frames
from mediaml.ledger.pictures import KeptPicture, first_size, picture_file_of
from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.results import Results
from mediaml.ledger.selection import ResultSelection, SelectedResults

if TYPE_CHECKING:
    from mediaml.media.picture_reader import PictureReader


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """What one model predicted for one frame, as far as it is drawn.

    Attributes:
        model, frame: their numbers in the ledger.
        time_s, duration_s: of the frame.
        labels, detections: those that the model's view shows; boxes in displayed source pixels.
        picture: digest of the picture that takes the frame's place; else empty.
        is_clip: whether it is for a clip, of all frames from `time_s` on for `duration_s`.
    """

    model: int
    frame: int
    time_s: float
    duration_s: float
    labels: tuple[Label, ...]
    detections: tuple[Detection, ...]
    picture: str
    is_clip: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nothing is to be drawn."""
        return not (self.labels or self.detections or self.picture)


class DrawingResults(SelectedResults):
    """Results for rendering. Use from the thread that opened it.

    Args:
        folder: the output folder.
        selection: which results are drawn, its names as they are in the ledger.
    """

    _reader: PictureReader | None = None

    def __init__(self, folder: Path, selection: ResultSelection = ResultSelection()) -> None:  # noqa: B008
        super().__init__(Results(folder), selection)

    def stamp(self, source: int) -> tuple[int, int, str]:
        """Size, time of modification (ns) and digest of a source, as of when it was read."""
        query = "SELECT size, mtime_ns, digest FROM source WHERE id = ?"
        size, mtime_ns, digest = self._db.execute(query, (source,)).fetchone()
        return size, mtime_ns, digest

    def slice_numbers(self, source: int) -> list[int]:
        """Numbers of the time slices that some selected model has answered, ascending."""
        query = "SELECT slice FROM task WHERE source = ? AND model = ? AND stage IS NULL"
        return sorted(
            {
                row[0]
                for model in self.models_of(source)
                for row in self._db.execute(query, (source, model.id))
            }
        )

    def state(self, source: int) -> str:
        """Changes whenever what is kept of a source may have."""
        parts: list[object] = [[(model.id, str(model.view)) for model in self.models_of(source)]]
        for table in ("task", "derived_slice"):
            rows = self._db.execute(f"SELECT model, slice, checksum FROM {table} WHERE source = ?", (source,))
            parts.append(sorted(rows.fetchall()))
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def has_tracks(self) -> bool:
        """Whether any object is followed across frames."""
        queries = ("SELECT 1 FROM track LIMIT 1", "SELECT 1 FROM detection WHERE track NOT NULL LIMIT 1")
        return any(self._db.execute(query).fetchone() is not None for query in queries)

    def slice_rows(self, source: int, number: int, slice_s: float | None = None) -> list[DrawnRow]:
        """All predictions of one time slice, by model, then by frame; pictures are hashed, not kept.

        Args:
            slice_s: length of a slice, seconds: with it, clips that reach into the slice are there, too.
        """
        rows = []
        for model in self.models_of(source):
            if slice_s is not None and model.clip_frames is not None:
                rows += self._reaching(source, model, number, number * slice_s)
            rows += self._rows_of(source, model, number)
        return rows

    def _rows_of(self, source: int, model: ModelRow, number: int) -> list[DrawnRow]:
        kept = kept_frames(self._db, source, model.id, model.view, number, folder=self.folder)
        return [_drawn_row(model, one) for one in kept]

    def _reaching(self, source: int, model: ModelRow, number: int, start_s: float) -> list[DrawnRow]:
        """The clips of earlier slices that end after a time; of two clips, the later one ends later."""
        query = (
            "SELECT slice, time_s + duration_s FROM prediction "
            "WHERE source = ? AND model = ? AND slice < ? ORDER BY frame DESC"
        )
        slices = set()
        for slice_, end_s in self._db.execute(query, (source, model.id, number)):
            if end_s <= start_s:
                break
            slices.add(slice_)
        earlier = [row for one in sorted(slices) for row in self._rows_of(source, model, one)]
        return [row for row in earlier if row.time_s + row.duration_s > start_s]

    def row_before(self, source: int, model: ModelRow, number: int) -> DrawnRow | None:
        """The last prediction of a model before a time slice; `None` where there is none."""
        found = self._db.execute(
            "SELECT slice FROM prediction INDEXED BY prediction_task "
            "WHERE source = ? AND model = ? AND slice < ? ORDER BY slice DESC LIMIT 1",
            (source, model.id, number),
        ).fetchone()
        if found is None:
            return None
        last = deque(kept_frames(self._db, source, model.id, model.view, found[0]), maxlen=1)
        return _drawn_row(model, last[0])

    def picture_of(self, source: int, row: DrawnRow) -> UInt8Array | None:
        """The picture that a model returned for a frame: uint8 RGB [H, W, 3].

        Raises:
            OutputError: it is missing or damaged.
        """
        file = picture_file_of(self._db, source, row.model, row.frame)
        if file is not None:
            return KeptPicture(row.frame, None, file, self._picture_reader()).image()
        found = self._db.execute(
            "SELECT picture FROM prediction WHERE source = ? AND model = ? AND frame = ?",
            (source, row.model, row.frame),
        ).fetchone()
        return None if found is None else KeptPicture(row.frame, found[0]).image()

    def picture_size(self, source: int) -> tuple[int, int] | None:
        """Width and height of the first picture of the last model that returned pictures for a source.

        Returns:
            `None` where none did; zeros where pictures are in rows, as in ledgers of version 3 and older:
            they are shown in the source's size.
        """
        query = "SELECT 1 FROM prediction WHERE source = ? AND model = ? AND picture IS NOT NULL LIMIT 1"
        for model in reversed(self.models_of(source)):
            size = first_size(self._db, source, model.id)
            if size is not None:
                return size
            if self._db.execute(query, (source, model.id)).fetchone() is not None:
                return 0, 0
        return None

    def _picture_reader(self) -> PictureReader:
        if self._reader is None:
            from mediaml.media.picture_reader import PictureReader

            self._reader = PictureReader(self.folder)
        return self._reader

    def close(self) -> None:
        """As in `Results`."""
        if self._reader is not None:
            self._reader.close()
        super().close()


def _drawn_row(model: ModelRow, kept: KeptFrame) -> DrawnRow:
    digest = kept.picture.digest if kept.picture else ""
    return DrawnRow(
        model.id,
        kept.frame,
        kept.time_s,
        kept.duration_s,
        kept.shown_labels(),
        kept.shown_detections(),
        digest,
        model.clip_frames is not None,
    )
