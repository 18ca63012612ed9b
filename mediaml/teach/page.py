"""The page of a training, with pictures of the examples that were answered wrongly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mediaml.ledger.results import open_results
from mediaml.outputs.comparison.pictures import frame_pictures
from mediaml.outputs.training import write_training_page
from mediaml.teach.records import Answered, Measured, TrainingReport
from mediaml.teach.train import FEATURES

MOST_WRONG, MOST_UNSURE = 60, 12
"""Examples that are shown: answered wrongly, then the least sure of the others."""


def shown_answers(tested: Measured) -> list[Answered]:
    """The examples that the page shows: the wrong answers, the surest first, then the least sure ones."""
    wrong = [one for one in tested.answers if one.answer != one.label]
    unsure = sorted((one for one in tested.answers if one.answer == one.label), key=lambda one: one.score)
    return [*wrong[:MOST_WRONG], *unsure[:MOST_UNSURE]]


def write_page(target: Path, record: dict[str, Any], report: TrainingReport, work: Path) -> None:
    """Write the page, with thumbnails in a folder beside it.

    Args:
        record: see `report_record`. work: the folder of the training.

    Raises:
        OutputError: it cannot be written.
    """
    tests = [report.validated, *([report.evaluated] if report.evaluated else [])]
    shown = [shown_answers(tested) for tested in tests]
    with open_results(work / FEATURES) as results:
        wanted = {one.path for answers in shown for one in answers}
        ids = {row.path: row.id for row in results.sources() if row.path in wanted}
        moments = [(ids[one.path], one.time_s) for answers in shown for one in answers if one.path in ids]
        pictures = frame_pictures(results, moments, target)
    for name, answers in zip(("validated", "evaluated"), shown, strict=False):
        record[name] = {
            **record[name],
            "shown": [_shown(one, pictures.get((ids.get(one.path, -1), one.time_s), "")) for one in answers],
        }
    write_training_page(target, record)


def _shown(one: Answered, picture: str) -> dict[str, Any]:
    return {
        "file": one.file,
        "time": one.time_s if one.kind.value != "image" else None,
        "label": one.label,
        "answer": one.answer,
        "score": one.score,
        "own": one.own,
        "picture": picture,
    }
