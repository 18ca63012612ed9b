"""Writes the page of `mediaml train`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mediaml import __version__
from mediaml.core.atomic_file import atomic_file
from mediaml.core.text import escape_control
from mediaml.ops.palette import color_of
from mediaml.outputs.document import Document

_REPORT, _COMPARISON, _OWN = "report/static", "comparison/static", "training/static"
PAGE = Document(
    f"{_COMPARISON}/comparison.html",
    (
        f"{_REPORT}/vendor/uPlot.min.css",
        f"{_REPORT}/page.css",
        f"{_COMPARISON}/comparison.css",
        f"{_OWN}/training.css",
    ),
    (
        f"{_REPORT}/vendor/uPlot.iife.min.js",
        f"{_REPORT}/format.js",
        f"{_COMPARISON}/parts.js",
        f"{_OWN}/charts.js",
        f"{_OWN}/training.js",
        f"{_COMPARISON}/main.js",
    ),
)


def write_training_page(target: Path, record: dict[str, Any]) -> None:
    """Write the page of a training.

    Args:
        record: what `mediaml train --json` prints, with the examples that are shown as `shown`, whose
            `picture` is a URL relative to the page.

    Raises:
        OutputError: it cannot be written.
    """
    facts = {
        **_safe(record),
        "page": "train",
        "version": __version__,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "colors": [f"#{bytes(color_of(name)).hex()}" for name in record["labels"]],
    }
    for name in ("validated", "evaluated"):
        if facts[name]:
            facts[name].pop("answers", None)
    with atomic_file(target) as file:
        PAGE.write(file, facts)


def _safe(value: Any) -> Any:
    """The record with all texts safe to show."""
    if isinstance(value, str):
        return escape_control(value)
    if isinstance(value, dict):
        return {_safe(name): _safe(one) for name, one in value.items()}
    return [_safe(one) for one in value] if isinstance(value, list | tuple) else value
