"""`mediaml merge`: the results of several output folders in one; no model runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.shell import noise_options, shell_of
from mediaml.core.text import counted, escape_control

if TYPE_CHECKING:
    from mediaml.ledger.merge import Taken


@click.command("merge")
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Output folder to write; what it holds already stays.",
)
@noise_options
@click.pass_context
def command(context: click.Context, /, folders: tuple[Path, ...], output: Path) -> int:
    """Merge output folders into one: those of the shards of a scan, or of several machines.

    Rerunning the command adds what is new. Where two folders do not agree about a file, what is kept is said,
    and the exit code is 1. Annotated copies stay where they are; `mediaml render` draws them again.

    \b
    Example:
      mediaml run -p yolo photos/ --shard 1/2 -o part1
      mediaml run -p yolo photos/ --shard 2/2 -o part2
      mediaml merge part1 part2 -o all
    """
    from mediaml.app.merge import merge_folders

    shell = shell_of(context)

    def done(folder: Path, taken: Taken) -> None:
        shell.detail(f"{folder}: {counted(taken.sources, 'file')}, {taken.added} new")

    report = merge_folders(folders, output, done)
    for conflict in report.conflicts:
        shell.warn(escape_control(str(conflict)))
    copies = sum(taken.copies for _, taken in report.taken)
    merged = f"{counted(len(report.taken), 'folder')} merged: {counted(report.sources, 'file')}"
    shell.say(f"{merged}, {counted(len(report.conflicts), 'conflict')}")
    if copies:
        shell.say(f"{counted(copies, 'annotated copy', 'annotated copies')} not merged")
    shell.say(f"results: {report.results}")
    return 1 if report.conflicts else 0
