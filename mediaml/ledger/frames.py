"""Predictions read back frame by frame: one pass over each table, memory for one frame."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaml.core.prediction import Box, Detection, Label, Picture, Prediction
from mediaml.core.view import View
from mediaml.core.work import FrameResult
from mediaml.ledger.encoding import embedding_of
from mediaml.ledger.integrity import asked_derivation, names_of, verify, verify_derived
from mediaml.ledger.pictures import KeptPicture, picture_finder
from mediaml.ledger.shapes import keypoints_of, outline_of
from mediaml.ledger.units import BOX_UNITS, SCORE_UNITS, least_units

_FRAMES = "SELECT frame, time_s, duration_s, embedding, picture, audio_track, same_as FROM prediction"
_LABELS = "SELECT frame, class, score FROM label"
_DETECTIONS = (
    "SELECT frame, class, score, left, top, right, bottom, {track}, outline, keypoints FROM detection"
)
_DERIVED_TRACK = (
    "(SELECT t.track FROM track AS t WHERE t.source = detection.source AND t.model = detection.model "
    "AND t.frame = detection.frame AND t.n = detection.n AND t.derivation = {})"
)


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """A frame of one model as a view shows it, in the units of the ledger.

    Attributes:
        frame, time_s, duration_s: see `FrameResult`.
        names: of classes, by their numbers.
        labels: number of the class and score of each.
        detections: the same, then left, top, right, bottom, track, outline and keypoints of each.
        embedding: see `mediaml.ledger.encoding`. picture: where it is.
        audio_track, same_as: see `FrameResult`.
    """

    frame: int
    time_s: float
    duration_s: float
    names: dict[int, str]
    labels: list[tuple[int, int]]
    detections: list[tuple[int, int, int, int, int, int, int | None, bytes | None, bytes | None]]
    embedding: bytes | None
    picture: KeptPicture | None
    audio_track: int | None
    same_as: int | None

    def shown_labels(self) -> tuple[Label, ...]:
        """The labels."""
        return tuple([Label(self.names[class_], score / SCORE_UNITS) for class_, score in self.labels])

    def shown_detections(self) -> tuple[Detection, ...]:
        """The detections, in displayed source pixels."""
        return tuple(
            [
                Detection(
                    Label(self.names[class_], score / SCORE_UNITS),
                    Box(left / BOX_UNITS, top / BOX_UNITS, right / BOX_UNITS, bottom / BOX_UNITS),
                    track,
                    outline_of(outline),
                    keypoints_of(keypoints),
                )
                for class_, score, left, top, right, bottom, track, outline, keypoints in self.detections
            ]
        )

    def result(self, source: str, model: str) -> FrameResult:
        """The frame as a row of results.

        Raises:
            OutputError: its picture is damaged.
        """
        return FrameResult(
            source,
            model,
            self.frame,
            self.time_s,
            self.duration_s,
            self.prediction(),
            self.audio_track,
            self.same_as,
        )

    def prediction(self) -> Prediction:
        """All of it.

        Raises:
            OutputError: its picture is missing or damaged.
        """
        image = None if self.picture is None else self.picture.image()
        picture = None if image is None else Picture(image)
        return Prediction(self.shown_labels(), self.shown_detections(), embedding_of(self.embedding), picture)


def kept_frames(
    db: sqlite3.Connection,
    source: int,
    model: int,
    view: View,
    number: int | None = None,
    *,
    folder: Path | None = None,
) -> Iterator[KeptFrame]:
    """The frames of one source and model, in order; each equals `select` applied to the kept prediction.

    Args:
        view: what is shown of them.
        number: only those of the time slice of that number.
        folder: the output folder; `None` leaves pictures in files out.

    Raises:
        sqlite3.DatabaseError: they are not what was written, which may be found after the last of them.
    """
    asked = (source, model, number)
    key: tuple[int, ...] = (source, model)
    where, index, within, span = "WHERE source = ? AND model = ?", "", "", key
    if number is not None:
        # Left to itself, SQLite goes through all frames of the model for those of one slice.
        key, index, where = (*key, number), " INDEXED BY prediction_task", f"{where} AND slice = ?"
        ends = db.execute(f"SELECT min(frame), max(frame) FROM prediction{index} {where}", key).fetchone()
        within, span = " AND frame BETWEEN ? AND ?", (*span, *ends)
    names = names_of(db, model)
    shown = f"AND score >= ?{wanted_classes(names, view)} ORDER BY frame, n"
    rest = f"WHERE source = ? AND model = ?{within} {shown}"
    derivation = asked_derivation(db, "tracks", model)
    track = "track" if derivation is None else _DERIVED_TRACK.format(derivation)
    # The first of these cursors holds the state that the ledger had, until the last of its rows is read.
    frames = db.execute(f"{_FRAMES}{index} {where} ORDER BY frame", key)
    labels = _by_frame(db.execute(f"{_LABELS} {rest}", (*span, least_units(view))))
    detections = _by_frame(
        db.execute(f"{_DETECTIONS.format(track=track)} {rest}", (*span, least_units(view)))
    )
    labelled, detected = next(labels), next(detections)
    kept_picture = picture_finder(db, source, model, folder)
    for frame, time_s, duration_s, embedding, picture, audio_track, same_as in frames:
        shown_labels, shown_detections = [], []
        if labelled[0] == frame:
            shown_labels, labelled = labelled[1], next(labels)
        if detected[0] == frame:
            shown_detections, detected = detected[1], next(detections)
        yield KeptFrame(
            frame,
            time_s,
            duration_s,
            names,
            shown_labels[: view.top],
            shown_detections[: view.max_detections],
            embedding,
            kept_picture(frame, picture),
            audio_track,
            same_as,
        )
    verify(db, *asked)
    if derivation is not None:
        verify_derived(db, source, model, derivation, number)


def wanted_classes(names: Mapping[int, str], view: View) -> str:
    """The SQL condition on the classes of a view, by `AND`; ids are integers, so safe to interpolate."""
    if not view.classes:
        return ""
    folded = {name.casefold() for name in view.classes}
    return (
        f" AND class IN ({', '.join(str(id_) for id_, name in names.items() if name.casefold() in folded)})"
    )


def _by_frame(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[int, list[Any]]]:
    """Rows whose first column is the frame, ascending, as lists by frame; frame -1 ends them."""
    at: int = -1
    taken: list[Any] = []
    for frame, *columns in rows:
        if frame != at:
            if taken:
                yield at, taken
            at, taken = frame, []
        taken.append(columns)
    if taken:
        yield at, taken
    while True:
        yield -1, []
