"""What a report takes from the ledger beside the frames: stamps of the sources, and numbers of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mediaml.core.media import DecodeAccounts, Kind
from mediaml.core.view import View
from mediaml.ledger.frames import KeptFrame, kept_frames
from mediaml.ledger.integrity import names_of
from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.results import Results
from mediaml.ledger.units import SCORE_UNITS

STEPS = 100
"""Steps in a score of 1 in which `ReportRows.scores` counts."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A source's file as it was read: size in bytes, time of modification in ns, SHA-256 or nothing."""

    size: int
    mtime_ns: int
    digest: str


class ReportRows:
    """Rows for a report, of all sources and models whatever a selection shows.

    Use from the thread that opened the results, while they are open.
    """

    def __init__(self, results: Results) -> None:
        self._db = results.connection
        self._results = results

    def stamps(self) -> dict[int, Stamp]:
        """The stamp of every source, by its id."""
        rows = self._db.execute("SELECT id, size, mtime_ns, digest FROM source")
        return {row[0]: Stamp(*row[1:]) for row in rows}

    def scores(self, model: ModelRow) -> Counter[int]:
        """The number of labels and detections that are kept of a model, by score in steps of 1/100."""
        counts: Counter[int] = Counter()
        for table in ("detection", "label"):
            rows = self._db.execute(
                f"SELECT score / ?, count(*) FROM {table} WHERE model = ? GROUP BY 1",
                (SCORE_UNITS // STEPS, model.id),
            )
            counts.update(dict(rows.fetchall()))
        return counts

    def class_names(self, model: ModelRow) -> dict[int, str]:
        """The class names of a model, by their numbers in it."""
        return names_of(self._db, model.id)

    @cached_property
    def listeners(self) -> set[int]:
        """The ids of models that have answered an audio file."""
        rows = self._db.execute(
            "SELECT DISTINCT model FROM task JOIN source ON source.id = task.source WHERE kind = ?",
            (Kind.AUDIO,),
        )
        return {row[0] for row in rows}

    def damage(self) -> dict[int, DecodeAccounts]:
        """What was counted in sources that were read to their end although parts are damaged, by id."""
        return {source.id: accounts for source, accounts in self._results.damaged()}

    def shown(self, source: int, model: ModelRow, view: View) -> Iterator[KeptFrame]:
        """The frames of a source and model through another view, in the ledger's units."""
        return kept_frames(self._db, source, model.id, view)
