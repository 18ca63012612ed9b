"""Labels and detections as flat rows of whole numbers, many at a time: for formats with millions of rows.

Rows are arrays, read from SQLite in the order of its keys, and so are the times of their frames, beside them.
Memory is that of one batch, however large the ledger is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float64Array, Int64Array
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
from mediaml.ledger.schema import FILE_NAME, connect
from mediaml.ledger.selection import SelectedResults
from mediaml.ledger.trouble import ledger_error
from mediaml.ledger.units import least_units

FlatKind = Literal["label", "detection"]
KINDS: tuple[FlatKind, ...] = ("label", "detection")
"""In the order of exports."""
FrameKey = tuple[int, int, int]
"""source, model, frame."""
NONE = -1
"""Stands for a track or an audio track that there is not."""

BATCH = 20_000
_COLUMNS: dict[FlatKind, str] = {
    "label": "n, class, score",
    "detection": "n, class, score, left, top, right, bottom, coalesce({track}, -1)",
}
_DERIVED_TRACK = (
    "(SELECT derived.track FROM track AS derived WHERE derived.source = detection.source "
    "AND derived.model = detection.model AND derived.frame = detection.frame "
    "AND derived.n = detection.n AND derived.derivation = {})"
)
_STEPS = 1_000_000  # of SQLite's machine between two looks whether to go on, some milliseconds
_MODEL, _N, _CLASS, _KEY = 1, 3, 4, slice(3)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What every row says of its source; `None` where the file does not say."""

    shown: str
    kind: str | None
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True, eq=False)
class FlatBatch:
    """Some rows of one kind, by source, model, frame and place.

    Attributes:
        kind: see there.
        columns: int64 [rows, 6]: source, model, frame, n, class, score; of detections [rows, 11], with left,
            top, right, bottom and track, or `NONE`. Source, model and class are ids; scores and edges are in
            units of the ledger.
        times: float64 [frames, 2]: time and duration of each frame, seconds.
        audio_tracks: int64 [frames], or `NONE`.
        frame_of, pair_of: which frame, and which pair of source and model, each row belongs to, from 0.
        frames, pairs: the first row of each.
    """

    kind: FlatKind
    columns: Int64Array
    times: Float64Array
    audio_tracks: Int64Array
    frame_of: NDArray[np.intp]
    pair_of: NDArray[np.intp]
    frames: NDArray[np.intp]
    pairs: NDArray[np.intp]


class FlatRows:
    """The rows of a ledger, and the names behind their ids; of one snapshot, closed with its `Results`."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._db = results.connection
        self.models: dict[int, ModelRow] = {row.id: row for row in results.models()}
        self.names: Mapping[int, Mapping[int, str]] = {row: names_of(self._db, row) for row in self.models}
        """By model and class, the class's name; an unknown class is damage."""
        self._facts: dict[int, SourceFacts] = {}

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Check the sums of a ledger that was too large to be checked when it was opened, beside the block.

        Raises:
            OutputError: at the end of the block: the ledger is damaged.
        """
        path = self._results.folder / FILE_NAME
        if path.stat().st_size <= MOST_CHECKED_BYTES:
            yield
            return
        abandoned = Event()
        with ThreadPoolExecutor(1) as thread:
            check = thread.submit(_check, self._results.folder, abandoned)
            try:
                yield
            except BaseException:
                abandoned.set()
                raise
        try:
            check.result()
        except UNREADABLE as error:
            raise ledger_error(path, error, "read") from error

    def source(self, source: int) -> SourceFacts:
        """The facts of a source, by its id."""
        if source not in self._facts:
            if len(self._facts) > BATCH:
                self._facts.clear()
            query = "SELECT shown, kind, width, height FROM source WHERE id = ?"
            self._facts[source] = SourceFacts(*self._db.execute(query, (source,)).fetchone())
        return self._facts[source]

    def batches(self, kind: FlatKind) -> Iterator[FlatBatch]:
        """All shown rows of a kind, in whole frames; none is empty.

        Raises:
            OutputError: the ledger is damaged.
        """
        path = self._results.folder / FILE_NAME
        times = self._times()
        try:
            for rows in self._whole_frames(kind):
                limited = self._limited(kind, rows)
                frame_of, frames = _groups(limited, 3)
                pair_of, pairs = _groups(limited, 2)
                found = list(map(times, map(tuple, limited[frames, _KEY].tolist())))
                moments = np.array([one[:2] for one in found], np.float64).reshape(-1, 2)
                tracks = np.array([one[2] for one in found], np.int64)
                yield FlatBatch(kind, limited, moments, tracks, frame_of, pair_of, frames, pairs)
        except UNREADABLE as error:
            raise ledger_error(path, error, "read") from error

    def _times(self) -> Callable[[FrameKey], tuple[float, float, int]]:
        """Looks up time, duration and audio track of frames, in the order of `batches`, each once."""
        columns = f"source, model, frame, time_s, duration_s, coalesce(audio_track, {NONE})"
        cursor = self._query("prediction", columns, [f"+model = {number}" for number in self.models])

        def of(key: FrameKey) -> tuple[float, float, int]:
            for source, model, frame, *times in cursor:
                if (source, model, frame) == key:
                    return (times[0], times[1], times[2])
            raise DamagedLedgerError(f"frame {key[2]} is missing")

        return of

    def _whole_frames(self, kind: FlatKind) -> Iterator[Int64Array]:
        shown = [
            f"+model = {row.id} AND score >= {least_units(row.view)}"
            f"{wanted_classes(self.names[row.id], row.view)}"
            for row in self.models.values()
        ]
        columns = _COLUMNS[kind].format(track=self._track())
        cursor = self._query(kind, f"source, model, frame, {columns}", shown)
        width = len(cursor.description)
        rest = np.empty((0, width), np.int64)
        while rows := cursor.fetchmany(BATCH):
            read = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * width).reshape(-1, width)
            rest = np.concatenate([rest, read])
            cut = int(_groups(rest, 3)[1][-1])  # the last frame may go on
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
        if len(rest):
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

    def _limited(self, kind: FlatKind, rows: Int64Array) -> Int64Array:
        """The rows that the numbers of labels or detections in the views leave."""
        limits = {number: most_of(row.view, kind) for number, row in self.models.items()}
        highest = int(rows[:, _N].max())
        if all(limit is None or highest < limit for limit in limits.values()):
            return rows
        frame_of, frames = _groups(rows, 3)
        rank = np.arange(len(rows)) - frames[frame_of]
        kept = np.ones(len(rows), bool)
        for number, limit in limits.items():
            if limit is not None:
                kept &= (rank < limit) | (rows[:, _MODEL] != number)
        return rows[kept]


def distinct_classes(columns: Int64Array) -> tuple[list[tuple[int, int]], NDArray[np.intp]]:
    """The distinct pairs of model and class in the columns of a batch, and which of them each row has."""
    models, model_of = np.unique(columns[:, _MODEL], return_inverse=True)
    classes, class_of = np.unique(columns[:, _CLASS], return_inverse=True)
    pairs, places = np.unique(model_of * len(classes) + class_of, return_inverse=True)
    model, class_ = np.divmod(pairs, len(classes))
    return list(zip(models[model].tolist(), classes[class_].tolist(), strict=True)), places


def _check(folder: Path, abandoned: Event) -> None:
    """See `check_sums`, with a connection of its own, until it is done or abandoned."""
    with closing(connect(folder, readonly=True)) as db:
        db.set_progress_handler(abandoned.is_set, _STEPS)
        check_sums(db)


def _groups(rows: Int64Array, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Runs of rows with equal first columns: the run of each row, from 0, and the first row of each run."""
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:, :width] != rows[:-1, :width]).any(axis=1)
    return np.cumsum(new) - 1, np.flatnonzero(new)


def most_of(view: View, kind: FlatKind) -> int | None:
    """The largest number of rows of a kind that a view shows of a frame."""
    return view.top if kind == "label" else view.max_detections
