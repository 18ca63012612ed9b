"""How many different objects there are, which cross a line, and which are in a zone, from tracks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mediaml.core.errors import OutputError
from mediaml.core.view import least_score
from mediaml.derive.lines import Crossing, Line, crossings
from mediaml.derive.zones import Stay, Zone, stays
from mediaml.ledger.result_rows import ModelRow, SourceRow
from mediaml.ledger.results import Results
from mediaml.ledger.track_rows import TrackPoints, has_tracks, track_points


@dataclass(frozen=True, slots=True)
class CountedObject:
    """One object of a source.

    Attributes:
        track: its number. label: its class, the one with the highest sum of scores.
        begin_s, end_s: when it was seen first and last, seconds. frames: number of frames with it.
        score: its highest.
    """

    track: int
    label: str
    begin_s: float
    end_s: float
    frames: int
    score: float


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """The objects that one model found in one source, and what they did.

    Attributes:
        source, model: as they are shown.
        objects: by their number. crossings, stays: see `lines` and `zones`.
    """

    source: str
    model: str
    objects: tuple[CountedObject, ...]
    crossings: tuple[Crossing, ...] = ()
    stays: tuple[Stay, ...] = ()

    def labels(self) -> dict[int, str]:
        """The classes of the objects, by their numbers."""
        return {one.track: one.label for one in self.objects}


def tracked_models(results: Results) -> list[ModelRow]:
    """The models whose objects are tracked.

    Raises:
        OutputError: there is none.
    """
    models = [model for model in results.models() if has_tracks(results, model.id)]
    if not models:
        raise OutputError(
            f"nothing in {results.folder} was tracked.", f"Track it first: mediaml track {results.folder}"
        )
    return models


def count_source(
    results: Results,
    source: SourceRow,
    model: ModelRow,
    lines: Sequence[Line] = (),
    zones: Sequence[Zone] = (),
    *,
    least_s: float = 0.0,
) -> SourceCounts:
    """Count the objects of one source and model: those of the view's classes that it shows in some frame.

    Args:
        least_s: leave out objects that were seen for less than so many seconds, from first to last.

    Raises:
        OutputError: a line or zone is in shares of a size that is not known.
    """
    points = track_points(results, source.id, model.id)
    wanted = {name.casefold() for name in model.view.classes}
    least = least_score(model.view.min_score)
    objects = tuple(
        one
        for one in _objects(points)
        if one.score >= least
        and one.end_s - one.begin_s >= least_s
        and (not wanted or one.label.casefold() in wanted)
    )
    known = {one.track for one in objects}
    width, height = _size(source, lines, zones)
    return SourceCounts(
        source.shown,
        model.name,
        objects,
        tuple(one for line in lines for one in crossings(points, line, width, height) if one.track in known),
        tuple(one for zone in zones for one in stays(points, zone, width, height) if one.track in known),
    )


def _size(source: SourceRow, lines: Sequence[Line], zones: Sequence[Zone]) -> tuple[float, float]:
    info = source.info
    if info is not None and info.width and info.height:
        return float(info.width), float(info.height)
    if any(line.relative for line in lines) or any(zone.relative for zone in zones):
        raise OutputError(f"the size of {source.shown} is not known.", "Give lines and zones in pixels.")
    return 1.0, 1.0


def _objects(points: TrackPoints) -> Iterator[CountedObject]:
    for track, rows in points.spans():
        classes, places = np.unique(points.classes[rows], return_inverse=True)
        best = int(classes[np.argmax(np.bincount(places, points.scores[rows]))])
        ends = points.times[rows] + points.durations[rows]
        yield CountedObject(
            track,
            points.names[best],
            float(points.times[rows][0]),
            float(ends[-1]),
            rows.stop - rows.start,
            float(points.scores[rows].max()),
        )


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """The largest number of spans of time that overlap; one that ends as another begins does not."""
    steps = sorted(step for begin, end in spans for step in ((begin, 1), (end, -1)))
    return int(np.cumsum([0, *(change for _, change in steps)]).max())


def crossed(count: SourceCounts) -> list[tuple[str, str, int, int]]:
    """By line and class: line, class, number of crossings in and out."""
    labels = count.labels()
    seen = Counter((one.line, labels[one.track], one.direction) for one in count.crossings)
    keys = sorted({key[:2] for key in seen})
    return [(*key, seen[*key, "in"], seen[*key, "out"]) for key in keys]


def stayed(count: SourceCounts) -> list[tuple[str, str, int, float, int]]:
    """By zone and class: zone, class, number of different objects, their seconds in all, most at once."""
    labels = count.labels()
    groups: dict[tuple[str, str], list[Stay]] = {}
    for stay in count.stays:
        groups.setdefault((stay.zone, labels[stay.track]), []).append(stay)
    return [
        (
            *key,
            len({stay.track for stay in group}),
            sum(stay.end_s - stay.begin_s for stay in group),
            most_at_once((stay.begin_s, stay.end_s) for stay in group),
        )
        for key, group in sorted(groups.items())
    ]
