"""The options that name lines and zones, for `mediaml count` and `mediaml report`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mediaml.derive.lines import Line
    from mediaml.derive.zones import Zone


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--line` and `--zone` to a command."""
    for option in (
        click.option(
            "--zone",
            "zones",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE.geojson",
            help="Count what is inside these polygons, in pixels or 0..1; repeatable.",
        ),
        click.option(
            "--line",
            "lines",
            multiple=True,
            metavar="[NAME=]X1,Y1,X2,Y2",
            help="Count crossings of this line, in pixels, or 0..1 of the width and height; repeatable.",
        ),
    ):
        command = option(command)
    return command


def places_of(typed: Mapping[str, Any]) -> tuple[list[Line], list[Zone]]:
    """The lines and zones that were asked for.

    Raises:
        UsageError: one of them is none.
    """
    if not (typed["lines"] or typed["zones"]):
        return [], []
    from mediaml.derive.lines import Line
    from mediaml.derive.zones import read_zones

    lines = [Line.parse(text, f"line {number}") for number, text in enumerate(typed["lines"], start=1)]
    return lines, [zone for path in typed["zones"] for zone in read_zones(path)]
