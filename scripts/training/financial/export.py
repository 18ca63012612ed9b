"""From the trained net to `financial.onnx` and its golden file."""

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mediaml.core.model_input import ImageInput
from scripts.evaluation.financial import LABELS, Pictures, fitted
from scripts.training import shipping
from scripts.training.financial.augment import INPUT
from scripts.training.financial.charts import chart
from scripts.training.financial.drawings import drawing
from scripts.training.financial.net import FinancialGraph, FinancialNet
from scripts.training.financial.tables import receipt, statement
from scripts.training.onnx_export import describe, open_session, store_half, traced


def batch_of(pictures: Pictures) -> NDArray[np.uint8]:
    """uint8 [n, height, width, 3] to [n, 3, height, width]."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))


def golden_pictures() -> Pictures:
    """Drawings made by code: a chart, a table, a receipt, two drawings without figures."""
    makers = (chart, statement, receipt, drawing, drawing)
    return np.stack([fitted(make(np.random.default_rng(90 + i))) for i, make in enumerate(makers)])


def ship(net: FinancialNet, real: Pictures, output: Path) -> float:
    """Write the ONNX file and its golden file; how much the file differs from the net on real pictures."""
    graph = FinancialGraph(net.cpu()).eval()
    free = {0: "batch"}
    example = torch.zeros((2, 3, INPUT, INPUT), dtype=torch.uint8)
    model = traced(graph, example, {"pictures": free, "probabilities": free})
    store_half(model.graph, "net.backbone.")
    accepts = {"type": "image", **asdict(ImageInput(INPUT, INPUT, fit="stretch", dtype="uint8"))}
    describe(model, "classifier/1", LABELS, accepts, name="financial", source="scripts/train_financial.py")
    golden = batch_of(golden_pictures())
    apart = shipping.ship(model, graph, output, real=batch_of(real), golden=golden)
    return max(apart.values())


def milliseconds(output: Path, repeats: int = 40) -> float:
    """Milliseconds a picture on one thread, the least of many runs: other work delays, nothing hastens."""
    session = open_session(str(output), threads=1)
    picture = batch_of(golden_pictures()[:1])
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        session.run(None, {"pictures": picture})
        times.append(time.perf_counter() - start)
    return 1000 * min(times)
