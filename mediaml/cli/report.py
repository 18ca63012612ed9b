"""`mediaml report`: one page that shows what was found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.places import place_options, places_of
from mediaml.cli.selection import selection_of, selection_options
from mediaml.cli.shared_options import folder_argument, moved_options, target_option
from mediaml.cli.shell import noise_options, shell_of

if TYPE_CHECKING:
    from mediaml.cli.shell import Shell
    from mediaml.outputs.report.report import Written


@click.command("report")
@folder_argument
@target_option("The page [default: DIR/report.html]; thumbnails go to a folder beside it.", "FILE")
@selection_options
@place_options
@moved_options
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@noise_options
@click.pass_context
def command(
    context: click.Context,
    /,
    folder: Path,
    target: Path | None,
    root: str,
    overwrite: bool,
    opens: bool,
    **typed: Any,
) -> None:
    """Write a page that shows what was found: totals, failures, thumbnails with boxes, timelines.

    The page opens from disk, without server or network. Images, videos and audio are linked, not copied. Its
    threshold slider reaches down to all scores that were kept; --conf says where it begins. Lines and zones
    show what tracked objects crossed and where they were, as `mediaml count` tells it.

    \b
    Examples:
      mediaml report mediaml-out --open
      mediaml report mediaml-out --conf 0.5 --classes person,car -o people.html
      mediaml report mediaml-out --root /mnt/backup/photos --overwrite
      mediaml report mediaml-out --line gate=0,0.5,1,0.5 --zone areas.geojson
    """
    from mediaml.ledger.results import open_results
    from mediaml.ledger.selection import select_results
    from mediaml.outputs.report.counts import Places
    from mediaml.outputs.report.report import FILE_NAME, check_target, write_report

    shell = shell_of(context)
    page = folder / FILE_NAME if target is None else target
    selection, places = selection_of(typed), Places(*places_of(typed))
    with open_results(folder) as results, ExitStack() as stack:
        check_target(page, overwrite=overwrite)
        selected = select_results(results, selection)
        progress = _progress(shell, stack)
        written = write_report(
            selected, page, root=root, threshold=selection.min_score, places=places, progress=progress
        )
    for line in _remarks(written):
        shell.warn(line)
    shell.say(f"report: {written.target}")
    if opens:
        click.launch(str(written.target.absolute()))


def _progress(shell: Shell, stack: ExitStack) -> Callable[[int, int], None]:
    """A progress bar on a terminal; else nothing."""
    if shell.quiet or not sys.stderr.isatty():
        return lambda done, of: None
    from tqdm import tqdm

    bar = stack.enter_context(tqdm(unit=" thumbnails", leave=False, dynamic_ncols=True, file=sys.stderr))

    def show(done: int, of: int) -> None:
        bar.total = of
        bar.update(done - bar.n)

    return show


def _remarks(written: Written) -> list[str]:
    """What of the report is not as it might be expected to be."""
    from mediaml.core.text import counted

    remarks = []
    if written.missing:
        advice = "where are they now? --root FOLDER"
        remarks.append(f"{counted(written.missing, 'source')} not found, shown without thumbnail; {advice}")
    if written.changed:
        remarks.append(f"{counted(written.changed, 'source')} changed since the run, shown without thumbnail")
    if written.problems:
        remarks.append(f"{counted(written.problems, 'source')} without thumbnail; the page says why")
    return remarks
