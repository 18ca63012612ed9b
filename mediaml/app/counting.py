"""Counts of an output folder: objects, crossings and stays, as records and as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediaml.core.atomic_file import atomic_file
from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.derive.counts import SourceCounts, count_source
from mediaml.derive.lines import Line
from mediaml.derive.zones import Zone
from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.results import Results, open_results
from mediaml.ledger.selection import ResultSelection, select_results
from mediaml.ledger.track_rows import has_tracks, untracked

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
    folder: Path, selection: ResultSelection, lines: Sequence[Line] = (), zones: Sequence[Zone] = ()
) -> FolderCounts:
    """Count the tracked objects of an output folder.

    Raises:
        OutputError: there is no ledger, no such model, class or source, or nothing was tracked.
    """
    with open_results(folder) as results:
        return count_results(select_results(results, selection), lines, zones)


def count_results(results: Results, lines: Sequence[Line] = (), zones: Sequence[Zone] = ()) -> FolderCounts:
    """See `count_folder`.

    Raises:
        OutputError: nothing was tracked.
    """
    models = _tracked_models(results)
    counts = [
        count_source(results, source, model, lines, zones)
        for source in results.sources()
        if source.kind is Kind.VIDEO
        for model in models
    ]
    return FolderCounts(tuple(counts), max(untracked(results, model.id) for model in models))


def _tracked_models(results: Results) -> list[ModelRow]:
    models = [model for model in results.models() if has_tracks(results, model.id)]
    if not models:
        raise OutputError(
            f"nothing in {results.folder} was tracked.", f"Track it first: mediaml track {results.folder}"
        )
    return models


def write_events(counts: Sequence[SourceCounts], target: Path) -> None:
    """Write every object, crossing and stay as one row of a CSV file.

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for count in counts:
        writer.writerows(_events(count))
    with atomic_file(target) as file:
        file.write(text.getvalue().encode())


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
