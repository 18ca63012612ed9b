"""AP50 of two versions of a detector, through whole runs, against a ground truth."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mediaml.app.config import RunConfig
from mediaml.app.reporter import Reporter
from mediaml.app.run import run_config
from mediaml.compare.evaluate import evaluate
from mediaml.compare.truth import match_sources, read_truth
from mediaml.core.errors import UsageError
from mediaml.ledger.results import open_results
from mediaml.pipeline.inputs import Selection
from mediaml.store.watcher import Watcher


def ap50_of(
    model: str, weights: str | None, folder: Path, truth: Path, reporter: Reporter, watcher: Watcher
) -> float:
    """Run a detector on the images of a folder, on the CPU, and measure its boxes.

    Args:
        model: as after `-p`. weights: as after `-m`; `None` takes the model's own.
        truth: a data set in COCO's format, of these images.

    Raises:
        UsageError: the model does not detect, or the truth is not of these images.
    """
    known = read_truth(truth)
    with tempfile.TemporaryDirectory() as output:
        config = RunConfig(
            selection=Selection((str(folder),)),
            models=(model,),
            weights=() if weights is None else (weights,),
            output=Path(output),
            device="cpu",
            annotate=False,
        )
        run_config(config, reporter, watcher)
        with open_results(Path(output)) as results:
            rows = [row for row in results.models() if row.identity.task == "detect"]
            if not rows:
                raise UsageError(f"--truth: {model} does not detect.", "A COCO ground truth is about boxes.")
            return evaluate(results, rows[0], match_sources(known, list(results.sources()), truth)).ap50
