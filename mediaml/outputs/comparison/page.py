"""Writes the pages of `mediaml diff` and `mediaml evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mediaml.compare.diff import FolderDiff
from mediaml.compare.evaluate import Evaluation
from mediaml.core.atomic_file import atomic_file
from mediaml.ledger.results import Results
from mediaml.outputs.comparison.facts import diff_facts, evaluation_facts
from mediaml.outputs.comparison.pictures import frame_pictures
from mediaml.outputs.document import Document

_REPORT, _OWN = "report/static", "comparison/static"
PAGE = Document(
    f"{_OWN}/comparison.html",
    (f"{_REPORT}/vendor/uPlot.min.css", f"{_REPORT}/page.css", f"{_OWN}/comparison.css"),
    (
        f"{_REPORT}/vendor/uPlot.iife.min.js",
        f"{_REPORT}/format.js",
        f"{_OWN}/parts.js",
        f"{_OWN}/diff.js",
        f"{_OWN}/evaluate.js",
        f"{_OWN}/main.js",
    ),
)


def write_diff_page(target: Path, found: FolderDiff, names: tuple[str, str], results: Results) -> None:
    """Write the page of a comparison, with thumbnails of the frames that differ most beside it.

    Args:
        target: the page, which is replaced. names: of the two folders. results: of the left one, open.

    Raises:
        OutputError: it cannot be written.
    """
    frames = [(frame.source_id, frame.time_s) for model in found.models for frame in model.most_different]
    _write(target, diff_facts(found, names, results, frame_pictures(results, frames, target)))


def write_evaluation_page(target: Path, found: Sequence[Evaluation], folder: str, truth: str) -> None:
    """Write the page of a measurement against a ground truth.

    Raises:
        OutputError: it cannot be written.
    """
    _write(target, evaluation_facts(found, folder, truth))


def _write(target: Path, facts: dict[str, Any]) -> None:
    with atomic_file(target) as file:
        PAGE.write(file, facts)
