"""The report's page: its static files, and what is in them for which script."""

from __future__ import annotations

from typing import IO, Any

from mediaml.outputs.document import Document
from mediaml.outputs.report.columns import Columns

_STATIC = "report/static"
PAGE = Document(
    f"{_STATIC}/page.html",
    tuple(f"{_STATIC}/{name}" for name in ("vendor/uPlot.min.css", "page.css", "parts.css")),
    tuple(
        f"{_STATIC}/{name}"
        for name in (
            "vendor/uPlot.iife.min.js",
            "data.js",
            "format.js",
            "filters.js",
            "draw.js",
            "cards.js",
            "timeline.js",
            "viewer.js",
            "panel.js",
            "tables.js",
            "counts.js",
            "main.js",
        )
    ),
)


def write_page(file: IO[bytes], facts: dict[str, Any], columns: list[Columns]) -> None:
    """Write the whole page.

    Raises:
        OSError: it cannot be written.
    """
    PAGE.write(file, facts, [group.write for group in columns])
