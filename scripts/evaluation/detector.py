"""The bundled detector, as `scripts/evaluate.py detector` measures it: on `val`, which no training saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.evaluation.detection import evaluate_detector


def evaluate(model: Path, data: Path, plots: Path | None = None) -> dict[str, Any]:
    """AP50, AP and AP50 per class of a detector/1 file on `DIR/detect/val`; see `evaluate_detector`."""
    return evaluate_detector(model, data / "detect", plots=plots)
