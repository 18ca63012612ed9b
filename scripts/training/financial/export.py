"""From the trained net to `financial.onnx` and its golden file."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mediaml.core.model_input import ImageInput
from scripts.evaluation.financial import LABELS, Pictures, fitted
from scripts.training import shipping
from scripts.training.financial.augment import INPUT
from scripts.training.financial.charts import chart
from scripts.training.financial.drawings import drawing
from scripts.training.financial.net import FinancialGraph, FinancialNet
from scripts.training.financial.tables import receipt, statement

FACTS = {
    "mediaml.interface": "classifier/1",
    "mediaml.labels": json.dumps(LABELS),
    "mediaml.input": json.dumps(
        {"type": "image", **asdict(ImageInput(INPUT, INPUT, fit="stretch", dtype="uint8"))}
    ),
    "mediaml.name": "financial",
    "mediaml.source": "scripts/train_financial.py",
}


def batch_of(pictures: Pictures) -> NDArray[np.uint8]:
    """uint8 [n, height, width, 3] to [n, 3, height, width]."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))


def golden_pictures() -> Pictures:
    """Drawings made by code: a chart, a table, a receipt, two drawings without figures."""
    makers = (chart, statement, receipt, drawing, drawing)
    return np.stack([fitted(make(np.random.default_rng(90 + i))) for i, make in enumerate(makers)])


def ship(net: FinancialNet, real: Pictures, output: Path) -> float:
    """Write the ONNX file and its golden file; how much the file differs from the net on real pictures."""
    import torch

    graph = FinancialGraph(net.cpu()).eval()
    example = torch.zeros((2, 3, INPUT, INPUT), dtype=torch.uint8)
    shipping.export(graph, example, ("pictures", "probabilities"), output, FACTS, "net.backbone.")
    difference = shipping.verify(graph, output, batch_of(real))
    shipping.write_golden(output, batch_of(golden_pictures()))
    return difference


def milliseconds(output: Path, repeats: int = 40) -> float:
    """Milliseconds a picture on one thread, the least of many runs: other work delays, nothing hastens."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(output), options, providers=["CPUExecutionProvider"])
    picture = batch_of(golden_pictures()[:1])
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        session.run(None, {"pictures": picture})
        times.append(time.perf_counter() - start)
    return 1000 * min(times)
