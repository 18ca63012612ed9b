"""`mediaml track`: numbers the objects in the videos of an output folder; no model runs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.selection import selection_of, selection_options
from mediaml.cli.shared_options import folder_argument
from mediaml.cli.shell import noise_options, shell_of
from mediaml.core.text import counted

if TYPE_CHECKING:
    from mediaml.derive.tracks import TrackOptions
    from mediaml.ledger.result_rows import SourceRow


@click.command("track")
@folder_argument
@selection_options
@click.option(
    "--tracker",
    default="bytetrack",
    show_default=True,
    metavar="NAME",
    help="bytetrack, ocsort, cbiou or botsort.",
)
@click.option(
    "--lost",
    "lost_s",
    type=click.FloatRange(0.0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up an object that was not found for this long.",
)
@noise_options
@click.pass_context
def command(context: click.Context, /, folder: Path, tracker: str, lost_s: float, **typed: Any) -> None:
    """Number the objects in the videos of an output folder: the same number for the same object.

    Numbers go into the ledger and results.jsonl; annotated copies show them after the next run. Rerunning the
    command does only what is missing; other options are kept beside, and the last asked for are shown.

    \b
    Examples:
      mediaml track out
      mediaml track out --classes car,truck --conf 0.4 --tracker ocsort
    """
    from mediaml.app.tracking import track_folder
    from mediaml.cli.terminal import TerminalReporter
    from mediaml.derive.tracker import require_tracker

    shell = shell_of(context)
    require_tracker(tracker)

    with closing(TerminalReporter(shell)) as reporter:

        def done(video: SourceRow, slices: int) -> None:
            reporter.detail(f"{video.shown}: {counted(slices, 'slice') if slices else 'up to date'}")

        selection = selection_of(typed)
        report = track_folder(folder, selection, tracker, lost_s, done=done, progress=reporter.progress)
    state = f"{counted(report.slices, 'slice')} tracked" if report.slices else "up to date"
    shell.say(f"{counted(report.videos, 'video')}: {state}")
    for name, options in report.models:
        shell.say(f"{name}: {_shown(options)}")
    shell.say(f"wrote {report.results}")


def _shown(options: TrackOptions) -> str:
    classes = f", {', '.join(options.classes)}" if options.classes else ""
    return f"{options.tracker}, score {options.min_score:g}{classes}, lost after {options.lost_s:g} s"
