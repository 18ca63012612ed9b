"""Measures of the backbone: heads that `mediaml train` fits on its features, with a user's defaults."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.evaluation.class_folders import sets_of, write_set

Beside = Callable[[Path], float]
"""Accuracy of the same head on other features, of a set in a folder."""


def evaluate(
    model: Path, data: Path, plots: Path | None = None, *, beside: Beside | None = None
) -> dict[str, Any]:
    """Train on each set through the command line, in cross-validation.

    Args:
        model: the backbone. plots: not used. beside: measures PyTorch's features of images.

    Returns:
        `metrics` and `per_source`, as cards have them.
    """
    del plots
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as place:
        for number, (name, files) in enumerate(sets_of(data)):
            folder = Path(place, str(number))
            count = write_set(files, folder)
            is_audio = "spoken" in name
            found = _trained(folder, None if is_audio else model)
            rows[name] = {"items": count, "classes": len(files), **found}
            if beside is not None and not is_audio:
                rows[name]["below_torch"] = beside(folder) - found["accuracy"]
    images = [row["accuracy"] for name, row in rows.items() if "spoken" not in name]
    metrics = {"accuracy_of_heads_mean": sum(images) / len(images), "accuracy_of_heads_worst": min(images)}
    return {"metrics": metrics, "per_source": rows}


def _trained(folder: Path, backbone: Path | None) -> dict[str, float]:
    command = [sys.executable, "-m", "mediaml", "train", str(folder), "-o", f"{folder}.onnx", "--copies", "0"]
    command += ["--json", "-q", "--device", "cpu", *(["--backbone", str(backbone)] if backbone else [])]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout)
    measured: dict[str, float] = {
        key: found["validated"][key] for key in ("accuracy", "balanced_accuracy", "f1")
    }
    return {**measured, "calibration_error": found["validated"]["calibration_error"]}
