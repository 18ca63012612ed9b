"""Plain text tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from mediaml.core.text import escape_control


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 0) -> str:
    """Columns as wide as their widest cell, the last one free; one line a row."""
    cells = [list(head), *[[escape_control(cell.replace("\n", " ")) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        " " * indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
