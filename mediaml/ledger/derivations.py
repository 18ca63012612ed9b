"""What derivations add to the ledger, slice by slice, and what they read of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mediaml.core.view import View
from mediaml.ledger.frames import wanted_classes
from mediaml.ledger.integrity import names_of, seal_asked, seal_derived, verify
from mediaml.ledger.schema import DERIVED_PREFIX
from mediaml.ledger.units import BOX_UNITS, SCORE_UNITS, least_units

_CHAIN = "source = ? AND model = ? AND derivation = ?"
_IN_SLICE = "prediction INDEXED BY prediction_task WHERE source = ? AND model = ? AND slice = ?"

TrackRow = tuple[int, int, int]
"""Frame, place among the frame's detections, and the number of the object that it shows."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundFrame:
    """The detections of one frame, as derivations read them.

    Attributes:
        frame, time_s: number of the frame, and its time in seconds.
        places: int64 [n], of each detection among all of the frame.
        classes: int64 [n], numbers of their classes. scores: float64 [n], 0..1.
        boxes: float64 [n, 4], left, top, right, bottom in displayed source pixels.
    """

    frame: int
    time_s: float
    places: NDArray[np.int64] = field(repr=False)
    classes: NDArray[np.int64] = field(repr=False)
    scores: NDArray[np.float64] = field(repr=False)
    boxes: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DerivedProgress:
    """How far a derivation has come with one source and model.

    Attributes:
        next_slice: the first slice that is not derived.
        state: what the slice before it left; `None` at the start.
    """

    next_slice: int = 0
    state: bytes | None = None


class Derivations:
    """The derived rows of one ledger that is open for writing.

    Args:
        transaction: commits what is written within it, or nothing.
    """

    def __init__(
        self, db: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._transaction = transaction

    def ask(self, kind: str, options: str, version: str, models: Iterable[str]) -> int:
        """The id of a derivation, which is noted as the one asked for of these models, by their names.

        Where another was asked for before, all annotated copies are out of date.

        Args:
            kind: such as `tracks`. options: as JSON, keys sorted. version: of what decides its rows.
        """
        key = (kind, options, version)
        with self._transaction():
            known = "SELECT id FROM derivation WHERE kind = ? AND options = ? AND version = ?"
            row = self._db.execute(known, key).fetchone()
            number = int(row[0]) if row else self._insert(key)
            asked = {f"{DERIVED_PREFIX}{kind} {name}": str(number) for name in models}
            marks = ", ".join("?" * len(asked))
            before = dict(self._db.execute(f"SELECT key, value FROM meta WHERE key IN ({marks})", (*asked,)))
            if before != asked:
                self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", asked.items())
                seal_asked(self._db)
                self._db.execute("UPDATE artifact SET done = 0")
        return number

    def _insert(self, key: tuple[str, str, str]) -> int:
        insert = "INSERT INTO derivation (kind, options, version) VALUES (?, ?, ?)"
        number = int(self._db.execute(insert, key).lastrowid or 0)
        sum_ = "UPDATE derivation SET checksum = crc32(id, kind, options, version) WHERE id = ?"
        self._db.execute(sum_, (number,))
        return number

    def progress(self, source: int, model: int, derivation: int) -> DerivedProgress:
        """How far a derivation has come; later slices than a missing one do not count."""
        query = f"SELECT slice FROM derived_slice WHERE {_CHAIN} ORDER BY slice"
        slices = [row[0] for row in self._db.execute(query, (source, model, derivation))]
        done = next((place for place, number in enumerate(slices) if place != number), len(slices))
        if not done:
            return DerivedProgress()
        query = f"SELECT state FROM derived_slice WHERE {_CHAIN} AND slice = ?"
        row = self._db.execute(query, (source, model, derivation, done - 1)).fetchone()
        return DerivedProgress(done, row[0])

    def ready_slices(self, source: int, model: int) -> int:
        """The number of slices that are committed without a gap, from the first."""
        query = "SELECT slice FROM task WHERE source = ? AND model = ? AND stage IS NULL ORDER BY slice"
        slices = [row[0] for row in self._db.execute(query, (source, model))]
        return next((place for place, number in enumerate(slices) if place != number), len(slices))

    def found_frames(self, source: int, model: int, number: int, view: View) -> list[FoundFrame]:
        """The frames of one slice, in order, with the detections that a view shows.

        Raises:
            DamagedLedgerError: they are not what was written.
        """
        key = (source, model, number)
        query = f"SELECT frame, time_s FROM {_IN_SLICE} ORDER BY frame"
        frames = self._db.execute(query, key).fetchall()
        if not frames:
            return []
        rows = self._db.execute(
            "SELECT frame, n, class, score, left, top, right, bottom FROM detection "
            "WHERE source = ? AND model = ? AND frame BETWEEN ? AND ? AND score >= ?"
            f"{wanted_classes(names_of(self._db, model), view)} ORDER BY frame, n",
            (source, model, frames[0][0], frames[-1][0], least_units(view)),
        ).fetchall()
        verify(self._db, *key)
        table = np.asarray(rows, np.int64).reshape(-1, 8)
        starts = np.searchsorted(table[:, 0], [frame for frame, _ in frames]).tolist()
        ends = [*starts[1:], len(table)]
        return [
            _found_frame(frame, time_s, table[start:end])
            for (frame, time_s), start, end in zip(frames, starts, ends, strict=True)
        ]

    def commit(
        self, source: int, model: int, derivation: int, number: int, state: bytes, tracks: Sequence[TrackRow]
    ) -> None:
        """Commit what was derived from one slice; what was derived from later ones before is dropped.

        Annotated copies of the source are out of date then.

        Raises:
            OutputError: the ledger cannot be written.
        """
        chain = (source, model, derivation)
        with self._transaction():
            query = f"SELECT min(frame) FROM {_IN_SLICE}"
            first = self._db.execute(query, (source, model, number)).fetchone()[0]
            if first is not None:
                self._db.execute(f"DELETE FROM track WHERE {_CHAIN} AND frame >= ?", (*chain, first))
            self._db.execute(f"DELETE FROM derived_slice WHERE {_CHAIN} AND slice >= ?", (*chain, number))
            self._db.execute(
                "INSERT INTO derived_slice (source, model, derivation, slice, state) VALUES (?, ?, ?, ?, ?)",
                (*chain, number, state),
            )
            self._db.executemany(
                "INSERT INTO track (source, model, frame, n, derivation, track) VALUES (?, ?, ?, ?, ?, ?)",
                [(source, model, frame, n, derivation, track) for frame, n, track in tracks],
            )
            seal_derived(self._db, *chain, number)
            self._db.execute("UPDATE artifact SET done = 0 WHERE source = ?", (source,))


def _found_frame(frame: int, time_s: float, rows: NDArray[np.int64]) -> FoundFrame:
    return FoundFrame(
        frame, time_s, rows[:, 1], rows[:, 2], rows[:, 3] / SCORE_UNITS, rows[:, 4:] / BOX_UNITS
    )
