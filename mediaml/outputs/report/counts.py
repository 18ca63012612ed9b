"""The counts of a report as plain values for the page's script: crossings of lines, presence in zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mediaml.core.media import Kind
from mediaml.core.text import escape_control
from mediaml.derive.counts import SourceCounts, count_source, crossed, stayed, tracked_models
from mediaml.derive.lines import Line
from mediaml.derive.zones import Zone
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import Results

_PLACES = 4  # decimals of shares and seconds


@dataclass(frozen=True, slots=True)
class Places:
    """The lines and zones that a report counts at; none by default."""

    lines: Sequence[Line] = ()
    zones: Sequence[Zone] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.zones)


NOWHERE = Places()


def count_facts(
    results: Results, sources: Sequence[SourceRow], classes: Sequence[str], places: Places
) -> list[dict[str, Any]]:
    """Per tracked video and model what crossed which line, and what was in which zone when.

    Args:
        sources, classes: what facts refer to by their place.

    Raises:
        OutputError: nothing was tracked.
    """
    if not places:
        return []
    numbers = {name: number for number, name in enumerate(classes)}
    return [
        {
            "source": place,
            "model": escape_control(model.name),
            "objects": len(count.objects),
            "lines": list(_lines(count, places.lines, size, numbers)),
            "zones": list(_zones(count, places.zones, size, numbers)),
        }
        for model in tracked_models(results)
        for place, source in enumerate(sources)
        if source.kind is Kind.VIDEO and (size := _size(source)) is not None
        for count in [count_source(results, source, model, places.lines, places.zones)]
    ]


def _size(source: SourceRow) -> tuple[float, float] | None:
    info = source.info
    return (float(info.width), float(info.height)) if info and info.width and info.height else None


def _lines(
    count: SourceCounts, lines: Sequence[Line], size: tuple[float, float], numbers: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    labels = count.labels()
    for line in lines:
        yield {
            "name": escape_control(line.name),
            "ends": np.round(line.in_pixels(*size) / size, _PLACES).ravel().tolist(),
            "totals": [
                [numbers[label], inward, outward]
                for name, label, inward, outward in crossed(count)
                if name == line.name
            ],
            "crossings": sorted(
                [round(one.time_s, _PLACES), int(one.direction == "in"), numbers[labels[one.track]]]
                for one in count.crossings
                if one.line == line.name
            ),
        }


def _zones(
    count: SourceCounts, zones: Sequence[Zone], size: tuple[float, float], numbers: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    labels = count.labels()
    for zone in zones:
        yield {
            "name": escape_control(zone.name),
            "rings": [
                np.round(ring / (1.0 if zone.relative else size), _PLACES).ravel().tolist()
                for ring in zone.rings()
            ],
            "totals": [
                [numbers[label], objects, round(seconds, 1), most]
                for name, label, objects, seconds, most in stayed(count)
                if name == zone.name
            ],
            "stays": sorted(
                [round(one.begin_s, _PLACES), round(one.end_s, _PLACES), numbers[labels[one.track]]]
                for one in count.stays
                if one.zone == zone.name
            ),
        }
