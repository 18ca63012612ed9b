"""`mediaml montage`: a contact sheet of detections or frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mediaml.cli.selection import selection_of, selection_options
from mediaml.cli.shared_options import folder_argument, moved_options, target_option
from mediaml.cli.shell import noise_options, shell_of
from mediaml.core.errors import UsageError
from mediaml.core.text import counted

_SUFFIXES = (".jpg", ".jpeg", ".png")


@click.command("montage")
@folder_argument
@target_option("JPEG or PNG file to write [default: DIR/montage.jpg].", "FILE")
@click.option("--frames", is_flag=True, help="Show whole frames, not detections.")
@click.option("--columns", type=click.IntRange(1, 100), default=8, show_default=True, help="Tiles in a row.")
@click.option("--tile", "side", type=click.IntRange(40, 2000), default=200, show_default=True, help="Pixels.")
@click.option(
    "-n", "--most", type=click.IntRange(1, 2000), default=64, show_default=True, help="Number of tiles."
)
@moved_options
@selection_options
@noise_options
@click.pass_context
def command(context: click.Context, /, folder: Path, target: Path | None, **typed: Any) -> None:
    """Write a contact sheet of the surest detections in DIR, the output folder of a run.

    \b
    Examples:
      mediaml montage mediaml-out
      mediaml montage mediaml-out --classes car --conf 0.7 -o cars.jpg
    """
    from mediaml.app.extract import SheetConfig, write_sheet

    chosen = target or folder / "montage.jpg"
    if chosen.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"-o {chosen} is neither JPEG nor PNG.", "Name a file that ends in .jpg or .png.")
    config = SheetConfig(
        folder=folder,
        target=chosen,
        frames=typed["frames"],
        columns=typed["columns"],
        side=typed["side"],
        most=typed["most"],
        selection=selection_of(typed),
        root=typed["root"],
        overwrite=typed["overwrite"],
    )
    shell_of(context).say(f"{counted(write_sheet(config), 'tile')} in {chosen}")
