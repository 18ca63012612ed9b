"""Options that several commands have: where the sources are now, what is replaced, how CSV is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def folder_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the output folder of a run, `DIR`, to a command."""
    return click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))(command)


def target_option(text: str, metavar: str = "PATH") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`-o`, the file or folder that a command writes, as `target`.

    Args:
        text: the help.
    """
    kind = click.Path(path_type=Path)
    return click.option("-o", "--output", "target", type=kind, metavar=metavar, help=text)


def moved_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--root` and `--overwrite` to a command that reads sources and writes files."""
    for option in (
        click.option("--overwrite", is_flag=True, help="Replace files that exist."),
        click.option(
            "--root",
            metavar="[OLD=]NEW",
            default="",
            help="The folder that holds the sources now, if they moved.",
        ),
    ):
        command = option(command)
    return command


def csv_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--bom` and `--escape-formulas` to a command that writes CSV."""
    for option in (
        click.option(
            "--escape-formulas", is_flag=True, help="CSV: put ' before text that begins with =, +, - or @."
        ),
        click.option("--bom", is_flag=True, help="CSV: begin with a byte order mark, for Excel."),
    ):
        command = option(command)
    return command
