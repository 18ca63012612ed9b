"""Totals per label, for the closing lines of a run."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from mediaml.core.view import View
from mediaml.ledger.integrity import names_of
from mediaml.ledger.units import least_units

_DETECTED = (
    "SELECT source, class, max(number) FROM ("
    "SELECT source, frame, class, count(*) AS number FROM detection "
    "WHERE {only}model = ? AND score >= ? AND n < ? GROUP BY source, frame, class) GROUP BY source, class"
)
_LABELLED = "SELECT DISTINCT source, class, 1 FROM label WHERE {only}model = ? AND score >= ? AND n < ?"
_ALL = 1 << 62


@dataclass(frozen=True, slots=True)
class LabelTotals:
    """What one model found in a number of sources.

    Attributes:
        model: its name.
        labels: by label, most first. A detected label counts, for each source, the most objects in one of its
            frames; a label of a whole frame counts the sources in which it was the best one.
        sources: number of sources in which something was found.
    """

    model: str
    labels: tuple[tuple[str, int], ...]
    sources: int


def found(db: sqlite3.Connection, model: int, name: str, view: View, sources: Collection[int]) -> LabelTotals:
    """Count the predictions of a model in a view.

    Args:
        model, name: the model's id in the ledger, and its name.
        sources: ids of the sources that count. One is looked up by the key, so that a run may ask for each of
            its files; several are picked from a pass over all that the model predicted.
    """
    names = names_of(db, model)
    one = tuple(sources) if len(sources) == 1 else ()
    only = "source = ? AND " if one else ""
    wanted = {name.casefold() for name in view.classes}
    least = least_units(view)
    queries = (
        (_DETECTED, view.max_detections or _ALL),
        (_LABELLED, _ALL if wanted else 1),
    )
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    for query, most in queries:
        for source, class_, number in db.execute(query.format(only=only), (*one, model, least, most)):
            label = names[class_]
            if source in sources and (not wanted or label.casefold() in wanted):
                counts[label] += number
                seen.add(source)
    return LabelTotals(name, tuple(counts.most_common()), len(seen))
