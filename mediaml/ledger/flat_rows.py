"""Labels and detections as flat rows of whole numbers, many at a time: for formats with millions of rows.

No object is made per frame or detection: rows come from SQLite's columns in the order of its keys, and so do
the times of their frames, beside them. Memory is that of one batch, however large the ledger is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

import msgspec

from mediaml.core.view import View
from mediaml.ledger.frames import wanted_classes
from mediaml.ledger.integrity import (
    MOST_CHECKED_BYTES,
    UNREADABLE,
    DamagedLedgerError,
    asked_derivation,
    check_sums,
    names_of,
)
from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.results import Results
from mediaml.ledger.schema import FILE_NAME
from mediaml.ledger.selection import SelectedResults
from mediaml.ledger.trouble import ledger_error
from mediaml.ledger.units import least_units

FlatKind = Literal["label", "detection"]
FlatRow = tuple[Any, ...]
"""source, model, frame, n, class, score; then, of a detection, left, top, right, bottom, track.

Source, model and class by their ids; scores and edges in the units of the ledger.
"""
FrameKey = tuple[int, int, int]
"""source, model, frame."""
FrameTimes = tuple[float, float, int | None]
"""time_s, duration_s, audio_track."""

BATCH = 20_000
_COLUMNS: dict[FlatKind, str] = {
    "label": "n, class, score",
    "detection": "n, class, score, left, top, right, bottom, {track}",
}
_DERIVED_TRACK = (
    "(SELECT derived.track FROM track AS derived WHERE derived.source = detection.source "
    "AND derived.model = detection.model AND derived.frame = detection.frame "
    "AND derived.n = detection.n AND derived.derivation = {})"
)
_N = 3


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What every row says of its source; `None` where the file does not say."""

    shown: str
    kind: str | None
    width: int | None
    height: int | None


class FlatRows:
    """The rows of a ledger, and the names behind their ids; of one snapshot, closed with its `Results`."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._db = results.connection
        self.models: dict[int, ModelRow] = {row.id: row for row in results.models()}
        self.names: Mapping[int, Mapping[int, str]] = {row: names_of(self._db, row) for row in self.models}
        """By model and class, the class's name; an unknown class is damage."""
        self._facts: dict[int, SourceFacts] = {}

    def source(self, source: int) -> SourceFacts:
        """The facts of a source, by its id."""
        if source not in self._facts:
            if len(self._facts) > BATCH:
                self._facts.clear()
            query = "SELECT shown, kind, width, height FROM source WHERE id = ?"
            self._facts[source] = SourceFacts(*self._db.execute(query, (source,)).fetchone())
        return self._facts[source]

    def batches(self, kind: FlatKind) -> Iterator[list[FlatRow]]:
        """All shown rows of a kind, by source, model, frame and place; whole frames in every batch.

        Raises:
            OutputError: the ledger is damaged.
        """
        path = self._results.folder / FILE_NAME
        try:
            if path.stat().st_size > MOST_CHECKED_BYTES:  # else it was checked when it was opened
                check_sums(self._db)
            for batch in self._whole_frames(kind):
                yield self._limited(kind, batch)
        except UNREADABLE as error:
            raise ledger_error(path, error, "read") from error

    def times(self) -> Callable[[FrameKey], FrameTimes]:
        """Looks up frames; to be asked in the order of `batches`, each frame once."""
        columns = "source, model, frame, time_s, duration_s, audio_track"
        cursor = self._query("prediction", columns, [f"+model = {number}" for number in self.models])

        def of(key: FrameKey) -> FrameTimes:
            for source, model, frame, *times in cursor:
                if (source, model, frame) == key:
                    return (times[0], times[1], times[2])
            raise DamagedLedgerError(f"frame {key[2]} is missing")

        return of

    def _whole_frames(self, kind: FlatKind) -> Iterator[list[FlatRow]]:
        shown = [
            f"+model = {row.id} AND score >= {least_units(row.view)}"
            f"{wanted_classes(self.names[row.id], row.view)}"
            for row in self.models.values()
        ]
        columns = _COLUMNS[kind].format(track=self._track())
        cursor = self._query(kind, f"source, model, frame, {columns}", shown)
        rest: list[FlatRow] = []
        while rows := cursor.fetchmany(BATCH):
            rest += rows
            last = rest[-1][:3]
            cut = len(rest)
            while cut and rest[cut - 1][:3] == last:
                cut -= 1
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
        if rest:
            yield rest

    def _track(self) -> str:
        """SQL: the track of a detection, by the derivation that was asked for of its model, else its own."""
        cases = ""
        for number in self.models:
            derivation = asked_derivation(self._db, "tracks", number)
            if derivation is not None:
                cases += f" WHEN {number} THEN {_DERIVED_TRACK.format(derivation)}"
        return f"CASE model{cases} ELSE track END" if cases else "track"

    def _query(self, table: str, columns: str, chosen: Sequence[str]) -> sqlite3.Cursor:
        """The rows of a table in the order of its key; `+` in a condition keeps SQLite from sorting them."""
        ids = self._results.source_ids() if isinstance(self._results, SelectedResults) else None
        only = "" if ids is None else " AND source IN (SELECT value FROM json_each(?))"
        where = " OR ".join(f"({one})" for one in chosen) or "0"
        order = "source, model, frame" + ("" if table == "prediction" else ", n")
        return self._db.execute(
            f"SELECT {columns} FROM {table} WHERE ({where}){only} ORDER BY {order}",
            () if ids is None else (msgspec.json.encode(ids).decode(),),
        )

    def _limited(self, kind: FlatKind, rows: list[FlatRow]) -> list[FlatRow]:
        """The rows that the numbers of labels or detections in the views leave."""
        limits = {number: most_of(row.view, kind) for number, row in self.models.items()}
        if all(limit is None for limit in limits.values()):
            return rows
        highest = max(row[_N] for row in rows)
        if all(limit is None or highest < limit for limit in limits.values()):
            return rows
        return [
            row
            for (_, model, _), frame in groupby(rows, itemgetter(0, 1, 2))
            for row in list(frame)[: limits[model]]
        ]


def most_of(view: View, kind: FlatKind) -> int | None:
    """The largest number of rows of a kind that a view shows of a frame."""
    return view.top if kind == "label" else view.max_detections
