"""A training report as plain values, for JSON and for the page."""

from __future__ import annotations

from typing import Any

import msgspec

from mediaml.core.text import escape_control
from mediaml.teach.records import Answered, Measured, TrainingReport

Record = dict[str, Any]


def report_record(report: TrainingReport) -> Record:
    """Everything that a report says, as JSON values; the names of files are as typed."""
    forecast = report.forecast
    return {
        "output": str(report.output),
        "backbone": report.backbone,
        "kind": report.kind.value,
        "labels": list(report.labels),
        "counts": dict(report.counts),
        "copies": report.copies,
        "folds": report.folds,
        "validated": _tested(report.validated),
        "evaluated": None if report.evaluated is None else _tested(report.evaluated),
        "curve": [list(point) for point in report.curve],
        "forecast": None if forecast is None else msgspec.to_builtins(forecast),
        "temperature": report.temperature,
        "strength": report.strength,
        "threshold": report.threshold,
        "notes": list(report.notes),
        "failed": [{"file": escape_control(file), "error": why} for file, why in report.failed],
        "seconds": round(report.seconds, 1),
        "seed": report.seed,
    }


def _tested(tested: Measured) -> Record:
    scores: Record = msgspec.to_builtins(tested.scores)
    return {**scores, "answers": [_answer(one) for one in tested.answers]}


def _answer(one: Answered) -> Record:
    return {
        "file": escape_control(one.file),
        "time_s": one.time_s,
        "label": one.label,
        "answer": one.answer,
        "score": round(one.score, 4),
        "own": round(one.own, 4),
    }
