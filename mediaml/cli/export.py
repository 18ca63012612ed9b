"""`mediaml export`: the results of an output folder in the formats of other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.selection import selection_of, selection_options
from mediaml.cli.shared_options import csv_options, folder_argument, target_option
from mediaml.cli.shell import noise_options, shell_of

if TYPE_CHECKING:
    from mediaml.outputs.export.options import ExportOptions

_SECONDS = click.FloatRange(min=0.0)
_SCORE = click.FloatRange(0.0, 1.0)


@click.command("export")
@folder_argument
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    required=True,
    metavar="FORMAT",
    help="jsonl, csv, parquet, coco, yolo, voc, cvat, fiftyone, vtt, srt, audacity, raven, or one of a "
    "plugin; repeatable.",
)
@target_option("File or folder [default: in DIR].")
@selection_options
@click.option("--overwrite", is_flag=True, help="Replace an earlier export.")
@click.option(
    "--media",
    type=click.Choice(("none", "link", "copy")),
    default="none",
    show_default=True,
    help="Whether images are linked or copied into a data set.",
)
@csv_options
@click.option(
    "--release",
    type=_SCORE,
    metavar="SCORE",
    help="Label tracks: score down to which an interval goes on [default: --conf].",
)
@click.option(
    "--gap",
    type=_SECONDS,
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="Label tracks: longest gap within an interval.",
)
@click.option(
    "--pad",
    type=_SECONDS,
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="Label tracks: added at both ends of an interval.",
)
@click.option(
    "--min-duration",
    type=_SECONDS,
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="Label tracks: shortest interval, before padding.",
)
@noise_options
@click.pass_context
def command(context: click.Context, /, **typed: Any) -> None:
    """Write the results in DIR, the output folder of a run, in another format. No model is run.

    \b
    Examples:
      mediaml export mediaml-out -f csv -o cars.csv --classes car,truck --conf 0.5
      mediaml export mediaml-out -f coco -f parquet --overwrite
      mediaml export mediaml-out -f yolo -o dataset --source '*.jpg' --media link
      mediaml export mediaml-out -f vtt --pad 0.5
    """
    from mediaml.app.export import export_results

    shell = shell_of(context)
    paths = export_results(
        typed["folder"],
        tuple(dict.fromkeys(typed["formats"])),
        typed["target"],
        selection_of(typed),
        _options(typed),
        overwrite=typed["overwrite"],
        warn=shell.warn,
    )
    for path in paths:
        shell.say(f"wrote {path}")


def _options(typed: dict[str, Any]) -> ExportOptions:
    from mediaml.core.errors import UsageError
    from mediaml.ops.intervals import Merging
    from mediaml.outputs.export.options import ExportOptions

    try:
        merging = Merging(typed["release"], typed["gap"], typed["pad"], typed["min_duration"])
    except ValueError as error:  # infinity and NaN are within click's ranges
        raise UsageError(f"{error}.", "Give seconds as a number, such as 0.5.") from error
    return ExportOptions(typed["bom"], typed["escape_formulas"], typed["media"], merging)
