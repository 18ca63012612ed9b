"""The objects that were followed through a source, as columns: for counts and for trails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaml.ledger.integrity import asked_derivation, names_of, verify, verify_derived
from mediaml.ledger.results import Results
from mediaml.ledger.units import BOX_UNITS, SCORE_UNITS

_COLUMNS = "detection.frame, time_s, prediction.duration_s, class, score, left, top, right, bottom"
_FRAMES = "JOIN prediction USING (source, model, frame) WHERE source = ? AND model = ?"
_OWN = (
    f"SELECT detection.track, {_COLUMNS} FROM detection {_FRAMES} AND detection.track IS NOT NULL "
    "ORDER BY detection.track, frame"
)
_DERIVED = (
    f"SELECT track.track, {_COLUMNS} FROM track JOIN detection USING (source, model, frame, n) {_FRAMES} "
    "AND derivation = ? ORDER BY track.track, frame"
)


@dataclass(frozen=True, slots=True, eq=False)
class TrackPoints:
    """Every detection of a source that has a number, by number, then by frame.

    Attributes:
        names: of classes, by their numbers.
        tracks, frames, classes: int64 [n]. times, durations: float64 [n], seconds. scores: float64 [n], 0..1.
        boxes: float64 [n, 4], left, top, right, bottom in displayed source pixels.
    """

    names: dict[int, str] = field(repr=False)
    tracks: NDArray[np.int64] = field(repr=False)
    frames: NDArray[np.int64] = field(repr=False)
    times: NDArray[np.float64] = field(repr=False)
    durations: NDArray[np.float64] = field(repr=False)
    classes: NDArray[np.int64] = field(repr=False)
    scores: NDArray[np.float64] = field(repr=False)
    boxes: NDArray[np.float64] = field(repr=False)

    def spans(self) -> list[tuple[int, slice]]:
        """The number of each object, with the place of its rows."""
        numbers, starts = np.unique(self.tracks, return_index=True)
        ends = [*starts.tolist(), len(self.tracks)][1:]
        return [
            (number, slice(start, end))
            for number, start, end in zip(numbers.tolist(), starts.tolist(), ends, strict=True)
        ]


def track_points(results: Results, source: int, model: int) -> TrackPoints:
    """The objects of one source and model, numbered by the derivation asked for last, or by the model.

    Raises:
        DamagedLedgerError: they are not what was written.
    """
    db = results.connection
    derivation = asked_derivation(db, "tracks", model)
    if derivation is None:
        rows = db.execute(_OWN, (source, model)).fetchall()
    else:
        rows = db.execute(_DERIVED, (source, model, derivation)).fetchall()
        verify_derived(db, source, model, derivation)
    verify(db, source, model)
    return _points(rows, dict(names_of(db, model)))


def _points(rows: list[tuple[Any, ...]], names: dict[int, str]) -> TrackPoints:
    table = np.array(rows, np.float64).reshape(-1, 10)
    whole = table[:, [0, 1, 4]].astype(np.int64)
    return TrackPoints(
        names,
        whole[:, 0],
        whole[:, 1],
        table[:, 2],
        table[:, 3],
        whole[:, 2],
        table[:, 5] / SCORE_UNITS,
        table[:, 6:] / BOX_UNITS,
    )


def has_tracks(results: Results, model: int) -> bool:
    """Whether tracks were derived for a model, or it numbers objects itself."""
    if asked_derivation(results.connection, "tracks", model) is not None:
        return True
    return _finds(results, model, "AND track IS NOT NULL")


def untracked(results: Results, model: int) -> int:
    """The number of videos of which not all that a model found was tracked, by the derivation asked for."""
    derivation = asked_derivation(results.connection, "tracks", model)
    if derivation is None:
        return 0
    derived = (
        "SELECT 1 FROM derived_slice AS d WHERE d.source = task.source AND d.model = task.model "
        "AND d.slice = task.slice AND d.derivation = ?"
    )
    query = (
        "SELECT count(DISTINCT task.source) FROM task JOIN source ON source.id = task.source "
        f"WHERE task.model = ? AND stage IS NULL AND source.kind = 'video' AND NOT EXISTS ({derived})"
    )
    return int(results.connection.execute(query, (model, derivation)).fetchone()[0])


def finds_boxes(results: Results, model: int) -> bool:
    """Whether any detection of a model is kept."""
    return _finds(results, model, "")


def _finds(results: Results, model: int, condition: str) -> bool:
    # By source, so that the key of the table is used.
    found = f"SELECT 1 FROM detection WHERE detection.source = source.id AND model = ? {condition}"
    query = f"SELECT 1 FROM source WHERE EXISTS ({found}) LIMIT 1"
    return results.connection.execute(query, (model,)).fetchone() is not None
