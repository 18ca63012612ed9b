"""Counts of an output folder: objects, crossings and stays, as records and as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mediaml.core.atomic_file import atomic_file
from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.derive.counts import SourceCounts, count_source, tracked_models
from mediaml.derive.lines import Line
from mediaml.derive.zones import Zone
from mediaml.ledger.results import Results, open_results
from mediaml.ledger.selection import ResultSelection, select_results
from mediaml.ledger.track_rows import untracked
from mediaml.outputs.export.tables import csv_cell

_COLUMNS = ("source", "model", "event", "place", "class", "track", "begin_s", "end_s")


@dataclass(frozen=True, slots=True)
class FolderCounts:
    """The counts of an output folder.

    Attributes:
        counts: one per video and model, sources in the order they were given.
        untracked: number of videos with results that are not tracked yet.
    """

    counts: tuple[SourceCounts, ...]
    untracked: int


def count_folder(
    folder: Path,
    selection: ResultSelection,
    lines: Sequence[Line] = (),
    zones: Sequence[Zone] = (),
    *,
    least_s: float = 0.0,
) -> FolderCounts:
    """Count the tracked objects of an output folder.

    Args:
        least_s: see `count_source`.

    Raises:
        OutputError: there is no ledger, no such model, class or source, or nothing was tracked.
    """
    with open_results(folder) as results:
        return count_results(select_results(results, selection), lines, zones, least_s=least_s)


def count_results(
    results: Results, lines: Sequence[Line] = (), zones: Sequence[Zone] = (), *, least_s: float = 0.0
) -> FolderCounts:
    """See `count_folder`.

    Raises:
        OutputError: nothing was tracked.
    """
    models = tracked_models(results)
    counts = [
        count_source(results, source, model, lines, zones, least_s=least_s)
        for source in results.sources()
        if source.kind is Kind.VIDEO
        for model in models
    ]
    return FolderCounts(tuple(counts), max(untracked(results, model.id) for model in models))


def write_events(
    counts: Sequence[SourceCounts],
    target: Path,
    *,
    bom: bool = False,
    escape_formulas: bool = False,
    overwrite: bool = False,
) -> None:
    """Write every object, crossing and stay as one row of a CSV file, as exports do.

    Args:
        bom, escape_formulas: see `mediaml.outputs.export.options.ExportOptions`.

    Raises:
        OutputError: it exists and is not to be replaced, or cannot be written.
    """
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists already.", "--overwrite replaces it.")
    cell = partial(csv_cell, escape_formulas=escape_formulas)
    rows = [_COLUMNS, *(row for count in counts for row in _events(count))]
    with atomic_file(target) as file:
        file.write(b"\xef\xbb\xbf" if bom else b"")
        file.writelines(",".join(map(cell, row)).encode() + b"\n" for row in rows)


def _events(count: SourceCounts) -> Iterator[tuple[str, str, str, str, str, int, str, str]]:
    labels = count.labels()
    head = (count.source, count.model)
    for one in count.objects:
        yield (*head, "object", "", one.label, one.track, _seconds(one.begin_s), _seconds(one.end_s))
    for crossing in count.crossings:
        time = _seconds(crossing.time_s)
        yield (*head, crossing.direction, crossing.line, labels[crossing.track], crossing.track, time, time)
    for stay in count.stays:
        yield (
            *(*head, "inside", stay.zone, labels[stay.track], stay.track),
            *(_seconds(stay.begin_s), _seconds(stay.end_s)),
        )


def _seconds(time_s: float) -> str:
    return f"{time_s:.3f}"
