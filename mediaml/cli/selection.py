"""Options that select among the results of an output folder, for every command that reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mediaml.ledger.selection import ResultSelection


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--conf`, `--classes`, `--model`, `--source` and `--view` to a command; see `selection_of`."""
    for option in (
        click.option(
            "--view",
            type=click.Choice(("asked", "all")),
            default="asked",
            show_default=True,
            help="Start from what the latest run asked for, or from all that is kept.",
        ),
        click.option(
            "--source",
            "sources",
            multiple=True,
            metavar="GLOB",
            help="Only sources whose path or file name matches; repeatable.",
        ),
        click.option("--model", "models", multiple=True, metavar="NAME", help="Only this model; repeatable."),
        click.option(
            "--classes", metavar="A,B", help="Only these classes; quote names with commas: '\"a, b\",c'."
        ),
        click.option(
            "--conf",
            type=click.FloatRange(0.0, 1.0),
            metavar="SCORE",
            help="Minimum score [default: as the latest run asked].",
        ),
    ):
        command = option(command)
    return command


def comparison_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--iou`, `--json`, `--output` and `--overwrite` to a command that matches boxes."""
    for option in (
        click.option("--overwrite", is_flag=True, help="Replace an existing page."),
        click.option(
            "-o",
            "--output",
            "page",
            metavar="FILE.html",
            type=click.Path(path_type=Path),
            help="Write a page.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON, with all that a page shows."),
        click.option(
            "--iou",
            type=click.FloatRange(0.0, 1.0, min_open=True),
            default=0.5,
            show_default=True,
            help="Least overlap of two boxes that are one object; AP has its own.",
        ),
    ):
        command = option(command)
    return command


def selection_of(typed: Mapping[str, Any]) -> ResultSelection:
    """The selection that was typed.

    Raises:
        UsageError: `--classes` names none, or `--conf` is no number.
    """
    from mediaml.core.errors import UsageError
    from mediaml.ledger.selection import ResultSelection, split_names

    classes = split_names(typed["classes"] or "")
    if typed["classes"] is not None and not classes:
        raise UsageError("--classes names no class.", "For example: --classes person,car")
    try:
        return ResultSelection(
            min_score=typed["conf"],
            classes=classes,
            models=tuple(dict.fromkeys(typed["models"])),
            sources=typed["sources"],
            everything=typed["view"] == "all",
        )
    except ValueError as error:  # NaN is within any range
        raise UsageError(f"--conf: {error}.") from error
