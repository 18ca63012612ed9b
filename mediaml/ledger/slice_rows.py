"""What the ledger holds for drawing one time slice of a source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Box, Detection, Label
from mediaml.ledger.encoding import picture_of
from mediaml.ledger.view import View


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """What one model said of one frame, as far as it can be drawn.

    Attributes:
        model, frame: their numbers in the ledger. time_s, duration_s: of the frame.
        labels, detections: JSON arrays.
        picture: SHA-256 of the picture that takes the frame's place, in hexadecimal digits; else empty.
    """

    model: int
    frame: int
    time_s: float
    duration_s: float
    labels: str
    detections: str
    picture: str

    @property
    def is_blank(self) -> bool:
        """Whether nothing is to be drawn."""
        return self.labels == self.detections == "[]" and not self.picture

    def overlay(self) -> tuple[tuple[Label, ...], tuple[Detection, ...]]:
        """Labels, and detections in displayed source pixels."""
        labels = tuple(Label(row["label"], row["score"]) for row in msgspec.json.decode(self.labels))
        detections = tuple(
            Detection(Label(row["label"], row["score"]), Box(*row["box"]), row.get("track"))
            for row in msgspec.json.decode(self.detections)
        )
        return labels, detections


class DrawingView(View):
    """A view for who draws. Use from the thread that opened it."""

    def stamp(self, source: int) -> tuple[int, int, str]:
        """Size, time of modification (ns) and digest of a source, as of when it was answered."""
        query = "SELECT size, mtime_ns, digest FROM source WHERE id = ?"
        size, mtime_ns, digest = self._db.execute(query, (source,)).fetchone()
        return size, mtime_ns, digest

    def models_of(self, source: int) -> list[tuple[int, str, str]]:
        """Id, name and task of every model that has begun a source, in the order of their ids."""
        query = (
            "SELECT id, name, task FROM model "
            "WHERE id IN (SELECT model FROM task WHERE source = ?) ORDER BY id"
        )
        return [(row[0], row[1], row[2]) for row in self._db.execute(query, (source,))]

    def slice_rows(self, source: int, number: int) -> list[DrawnRow]:
        """All answers of one time slice, by model, then by frame; pictures are hashed, not kept."""
        models = self._db.execute(
            "SELECT model FROM task WHERE source = ? AND slice = ? ORDER BY model", (source, number)
        ).fetchall()
        # Left to itself, SQLite goes through all answers of the model to this source.
        query = (
            "SELECT frame, time_s, duration_s, labels, detections, picture FROM answer "
            "INDEXED BY answer_task WHERE source = ? AND model = ? AND slice = ? ORDER BY frame"
        )
        return [
            _drawn_row(model, row)
            for (model,) in models
            for row in self._db.execute(query, (source, model, number))
        ]

    def picture_of(self, source: int, row: DrawnRow) -> UInt8Array | None:
        """The picture with which a model answered a frame: uint8 RGB [H, W, 3]."""
        found = self._db.execute(
            "SELECT picture FROM answer WHERE source = ? AND model = ? AND frame = ?",
            (source, row.model, row.frame),
        ).fetchone()
        return None if found is None or found[0] is None else picture_of(found[0])


def _drawn_row(model: int, row: tuple[Any, ...]) -> DrawnRow:
    frame, time_s, duration_s, labels, detections, picture = row
    digest = hashlib.sha256(picture).hexdigest() if picture else ""
    return DrawnRow(model, frame, time_s, duration_s, labels, detections, digest)
