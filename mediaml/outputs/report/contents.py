"""What a report shows, gathered from the ledger in one pass."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mediaml.core.media import DecodeAccounts, Kind
from mediaml.ledger.progress import RunRow
from mediaml.ledger.report_rows import STEPS, ReportRows, Stamp
from mediaml.ledger.result_rows import FailureRow, ModelRow, SourceRow
from mediaml.ledger.results import Results
from mediaml.ledger.selection import one_state
from mediaml.ledger.units import least_units
from mediaml.outputs.moved import Move
from mediaml.outputs.report.columns import small
from mediaml.outputs.report.counts import NOWHERE, Places, count_facts
from mediaml.outputs.report.findings import Findings, Series
from mediaml.outputs.report.moments import Moments
from mediaml.outputs.report.places import Place, place_of

MOST_ROWS = 1_000_000
"""Labels and detections that a page holds; 18 bytes each."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is left out where there is too much for a page.

    Attributes:
        floor: scores below this are left out where the run did not ask for them, 0..1.
        every: of videos and audio every n-th frame is kept.
    """

    floor: float = 0.0
    every: int = 1


@dataclass(slots=True)
class Item:
    """A source in a report.

    Attributes:
        row, stamp, place: see there.
        moments: its thumbnails' times, seconds. best: the time of the best one.
        end_s: where its last frame ends, or what its header says, seconds.
        heard: whether a model listened to its audio.
        failures: what failed. damage: what was counted where it was read in spite of damage.
    """

    row: SourceRow
    stamp: Stamp
    place: Place
    moments: tuple[float, ...] = ()
    best: float = 0.0
    end_s: float = 0.0
    heard: bool = False
    failures: list[FailureRow] = field(default_factory=list)
    damage: DecodeAccounts | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """All that a report shows.

    Attributes:
        folder: the output folder. header: of its latest run. runs: all of them, oldest first.
        items: the sources. models: of these, in their views. classes: all names. findings: see there.
        bounds: what was left out. counts: see `count_facts`.
    """

    folder: Path
    header: Mapping[str, Any]
    runs: Sequence[RunRow]
    items: Sequence[Item]
    models: Sequence[ModelRow]
    classes: Sequence[str]
    findings: Findings
    bounds: Bounds
    counts: Sequence[Mapping[str, Any]]


def gather(
    results: Results, root: str = "", places: Places = NOWHERE, most_rows: int = MOST_ROWS
) -> Contents:
    """Read what a report shows, of one state of the ledger while a run may be writing it.

    Args:
        results: those that are shown, in the views that its models have.
        root: where sources moved, see `Move.of`; empty where they did not.
        places: where objects are counted.
        most_rows: see `MOST_ROWS`; where there are more, some are left out.

    Raises:
        UsageError: `root` does not fit.
        OutputError: nothing was tracked that could be counted.
    """
    with one_state(results):
        rows = ReportRows(results)
        models = results.models()
        items = _items(results, rows, root)
        classes = _Classes(rows, models)
        findings = Findings(small(len(classes.names)))
        gathering = _Gathering(results, rows, models, classes, findings, _bounds(rows, models, most_rows))
        for place, item in enumerate(items):
            gathering.add(place, item)
        findings.end()
        counts = count_facts(results, [item.row for item in items], classes.names, places)
        header, runs = results.latest_header(), results.runs()
    bounds = gathering.bounds
    return Contents(results.folder, header, runs, items, models, classes.names, findings, bounds, counts)


def _items(results: Results, rows: ReportRows, root: str) -> list[Item]:
    sources = list(results.sources())
    move = Move.of(root, [source.path for source in sources]) if root else None
    stamps = rows.stamps()
    items = {
        source.id: Item(source, stamps[source.id], place_of(source.path, stamps[source.id], move))
        for source in sources
    }
    for failure in results.failures():
        items[failure.source.id].failures.append(failure)
    for number, accounts in rows.damage().items():
        if number in items:
            items[number].damage = accounts
    return list(items.values())


class _Classes:
    """The class names of all models as one list."""

    def __init__(self, rows: ReportRows, models: Sequence[ModelRow]) -> None:
        places: dict[str, int] = {}
        self.by_model: dict[int, dict[int, int]] = {}
        for model in models:
            names = rows.class_names(model)
            self.by_model[model.id] = {
                id_: places.setdefault(name, len(places)) for id_, name in names.items()
            }
        self.names = list(places)


def _bounds(rows: ReportRows, models: Sequence[ModelRow], most_rows: int) -> Bounds:
    """Leave out scores below what the runs asked for as far as needed, then frames of videos and audio."""
    weak: Counter[int] = Counter()
    total = 0
    for model in models:
        for step, number in rows.scores(model).items():
            total += number
            weak[step] += number if step < math.floor(model.view.min_score * STEPS) else 0
    if total <= most_rows:
        return Bounds()
    for step in sorted(weak):
        total -= weak[step]
        if total <= most_rows:
            return Bounds((step + 1) / STEPS)
    return Bounds(1.0, -(-total // most_rows))


@dataclass(frozen=True, slots=True, eq=False)
class _Gathering:
    """What is needed to add the sources one after another."""

    results: Results
    rows: ReportRows
    models: Sequence[ModelRow]
    classes: _Classes
    findings: Findings
    bounds: Bounds

    def add(self, place: int, item: Item) -> None:
        """Add a source's predictions, and note what they say of it."""
        info = item.row.info
        item.end_s = (info.duration_s if info else None) or 0.0
        moments = Moments(item.end_s)
        begun = {model.id for model in self.results.models_of(item.row.id)}
        for index, model in enumerate(self.models):
            if model.id in begun:
                self._add_model(place, index, item, moments)
        if item.row.kind in (Kind.IMAGE, Kind.VIDEO) and item.place.state == "here":
            item.moments, item.best = moments.times(), moments.best()

    def _add_model(self, place: int, index: int, item: Item, moments: Moments) -> None:
        model, kind = self.models[index], item.row.kind
        listened = kind is Kind.AUDIO or (kind is Kind.VIDEO and model.id in self.rows.listeners)
        view = replace(model.view, min_score=min(model.view.min_score, self.bounds.floor))
        frames = self.rows.shown(item.row.id, model, view)
        if self.bounds.every > 1 and kind is not Kind.IMAGE:
            frames = (frame for frame in frames if frame.frame % self.bounds.every == 0)
        if not listened:
            frames = moments.follow(frames, least_units(model.view))
        series = Series(place, index, len(self.findings.frames["time"]), listened)
        self.findings.add(series, frames, item.row.info, self.classes.by_model[model.id])
        item.heard = item.heard or (listened and series.count > 0)
        if series.count:
            times, lengths = self.findings.frames["time"], self.findings.frames["length"]
            item.end_s = max(item.end_s, times[-1] + lengths[-1])
