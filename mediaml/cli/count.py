"""`mediaml count`: objects, line crossings and presence in zones, from tracks; no model runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.places import place_options, places_of
from mediaml.cli.selection import selection_of, selection_options
from mediaml.cli.shared_options import csv_options, folder_argument
from mediaml.cli.shell import echo_json, noise_options, shell_of
from mediaml.cli.table import table
from mediaml.core.text import counted

if TYPE_CHECKING:
    from mediaml.derive.counts import SourceCounts


@click.command("count")
@folder_argument
@selection_options
@place_options
@click.option(
    "--min-duration",
    type=click.FloatRange(0.0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="Leave out objects that were seen for less than this.",
)
@click.option(
    "--csv",
    "target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write every object, crossing and stay as a row.",
)
@csv_options
@click.option("--overwrite", is_flag=True, help="Replace the CSV file where it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@noise_options
@click.pass_context
def command(
    context: click.Context,
    /,
    folder: Path,
    target: Path | None,
    as_json: bool,
    **typed: Any,
) -> None:
    """Count the different objects in the tracked videos of an output folder.

    Seen along a line from its first end to its second, objects go in from left to right: a line drawn from
    left to right counts what moves down as in. A tracked object counts once.

    \b
    Examples:
      mediaml count out
      mediaml count out --line 0,0.5,1,0.5 --csv events.csv
      mediaml count out --zone crossing.geojson --classes person --json
    """
    from mediaml.app.counting import count_folder, write_events

    shell = shell_of(context)
    lines, zones = places_of(typed)
    found = count_folder(folder, selection_of(typed), lines, zones, least_s=typed["min_duration"])
    if found.untracked:
        shell.warn(
            f"{counted(found.untracked, 'video')} with results that are not tracked; run mediaml track."
        )
    if target is not None:
        formats = {name: typed[name] for name in ("bom", "escape_formulas", "overwrite")}
        write_events(found.counts, target, **formats)
        shell.say(f"wrote {target}")
    if as_json:
        echo_json({"counts": [_record(count) for count in found.counts]})
    else:
        click.echo("\n\n".join(_tables(found.counts, bool(lines), bool(zones))))


def _tables(counts: tuple[SourceCounts, ...], lines: bool, zones: bool) -> list[str]:
    """The counts as tables for people: objects, then crossings and stays where they were asked for."""
    from mediaml.derive.counts import crossed, stayed

    objects = [
        [count.source, count.model, label, str(number)]
        for count in counts
        for label, number in Counter(one.label for one in count.objects).most_common()
    ]
    tables = [table(["file", "model", "class", "objects"], objects)]
    if lines:
        rows = [[count.source, *map(str, row)] for count in counts for row in crossed(count)]
        tables.append(table(["file", "line", "class", "in", "out"], rows))
    if zones:
        rows = [
            [count.source, zone, label, str(number), f"{seconds:.1f}", str(most)]
            for count in counts
            for zone, label, number, seconds, most in stayed(count)
        ]
        tables.append(table(["file", "zone", "class", "objects", "seconds", "most at once"], rows))
    return tables


def _record(count: SourceCounts) -> dict[str, Any]:
    """The counts of one source as JSON values."""
    from mediaml.derive.counts import crossed, stayed

    labels = count.labels()
    return {
        "source": count.source,
        "model": count.model,
        "objects": dict(Counter(one.label for one in count.objects).most_common()),
        "lines": [
            {"line": line, "class": label, "in": inward, "out": outward}
            for line, label, inward, outward in crossed(count)
        ],
        "zones": [
            {
                "zone": zone,
                "class": label,
                "objects": number,
                "seconds": round(seconds, 3),
                "most_at_once": most,
            }
            for zone, label, number, seconds, most in stayed(count)
        ],
        "stays": [
            {
                "zone": stay.zone,
                "class": labels[stay.track],
                "track": stay.track,
                "begin_s": round(stay.begin_s, 3),
                "end_s": round(stay.end_s, 3),
            }
            for stay in count.stays
        ],
    }
