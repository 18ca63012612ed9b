"""A ledger whose answers are given vectors: no model is run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mediaml.core.arrays import Float32Array
from mediaml.core.media import Kind
from mediaml.core.prediction import Embedding, Prediction
from mediaml.core.work import FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger


def identity(sha256: str = "a" * 64, name: str = "clip", options: str = "{}") -> ModelIdentity:
    """A model that embeds."""
    return ModelIdentity(name, "embed", "mediaml_clip", "mediaml", "1", "tower.onnx", sha256, options)


def add(
    folder: Path,
    name: str,
    vectors: Float32Array,
    kind: Kind = Kind.IMAGE,
    model: ModelIdentity | None = None,
) -> int:
    """Commit a source with a frame a vector, 0.5 s apart; returns its id."""
    with Ledger(folder) as ledger:
        run = ledger.begin_run({})
        path = Path("/nowhere") / name
        source = ledger.add_source(Source(path, name, name, 1, 1, named=True), kind)
        task = Task(source, ledger.add_model(model or identity()), 0)
        answers = tuple(
            FrameAnswer(index, index / 2, 0.5, Prediction(embedding=Embedding(vector)))
            for index, vector in enumerate(np.atleast_2d(vectors).astype(np.float32))
        )
        ledger.commit([record_of(TaskResult(task, answers))])
        ledger.end_run(run)
    return source
