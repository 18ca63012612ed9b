"""`mediaml status`: how far an output folder is, without touching it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.shell import noise_options
from mediaml.cli.table import table

if TYPE_CHECKING:
    from mediaml.ledger.view import View

_MOST_FAILURES_SHOWN = 20


@click.command("status")
@click.argument("folder", type=click.Path(path_type=Path), default="mediaml-out")
@noise_options
def command(folder: Path) -> None:
    """Show what an output folder holds: per plugin how many files are done, failed, under way.

    \b
    Example:
      mediaml status out
    """
    from mediaml.errors import UsageError
    from mediaml.ledger.schema import FILE_NAME
    from mediaml.ledger.view import open_view

    if not (folder / FILE_NAME).is_file():
        raise UsageError(f"{folder} holds no ledger.", "Name the folder that was given to `mediaml run -o`.")
    with open_view(folder) as view:
        click.echo(_progress(view, folder))
        failures = _failures(view)
    if failures:
        click.echo(failures)


def _progress(view: View, folder: Path) -> str:
    head = ["plugin", "done", "failed", "under way", "stale or missing", "frames"]
    rows = [
        [
            row.model,
            *(str(count) for count in (row.done, row.failed, row.under_way, row.missing, row.frames)),
        ]
        for row in view.progress()
    ]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    runs = view.runs()
    lines = [table(head, rows), f"{folder}: {size / 1e6:.1f} MB, {len(runs)} runs"]
    lines += [f"  {started} to {finished or 'interrupted'}" for started, finished in runs[-3:]]
    return "\n".join(lines)


def _failures(view: View) -> str:
    rows = [
        [row.source.shown, row.model, row.failure.stage, row.failure.message.splitlines()[0]]
        for row in view.failures()
    ]
    shown = table(["failed", "plugin", "stage", "why"], rows[:_MOST_FAILURES_SHOWN]) if rows else ""
    more = len(rows) - _MOST_FAILURES_SHOWN
    return f"{shown}\nand {more} more" if more > 0 else shown
