"""Plain text tables for a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from mediaml.core.text import escape_control

_GAP = "  "
_LEAST_WIDTH = 12


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 0) -> str:
    """Columns as wide as their widest cell; cells are wrapped where the terminal is too narrow.

    Output that does not go to a terminal is not wrapped, unless `COLUMNS` says how wide it is, so that a line
    of a pipe stays a row.
    """
    cells = [list(head), *[[escape_control(cell.replace("\n", " ")) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    room = _room()
    if room is not None:
        widths = fit_widths(widths, room - indent - len(_GAP) * (len(widths) - 1))
    return "\n".join(" " * indent + line for row in cells for line in _lines(row, widths))


def fit_widths(widths: Sequence[int], room: int) -> list[int]:
    """Shrink the widest columns until all fit into `room` characters, none below a readable width."""
    fitted = list(widths)
    while sum(fitted) > room and max(fitted) > _LEAST_WIDTH:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def _room() -> int | None:
    """Characters in a line; `None` where nobody says so."""
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    wrapped = [
        textwrap.wrap(cell, width, break_on_hyphens=False) or [""] if len(cell) > width else [cell]
        for cell, width in zip(row, widths, strict=True)
    ]
    return [
        _GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*wrapped, fillvalue="")
    ]
