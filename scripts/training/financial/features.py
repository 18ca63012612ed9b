"""The backbone's features of many pictures: it is fixed, so each picture is shown to it once."""

import io
from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from scripts.training.financial.augment import INPUT
from scripts.training.financial.canvas import Picture
from scripts.training.financial.net import Backbone

Features = NDArray[np.float32]
BATCH = 16


class Extractor:
    """Pictures uint8 [INPUT, INPUT, 3] to features float32 [n, features].

    On a CPU it runs in ONNX Runtime, in half the time that PyTorch takes.
    """

    def __init__(self, backbone: Backbone, device: torch.device, threads: int) -> None:
        self.backbone, self.device = backbone.to(device), device
        self._session = _session(backbone, threads) if device.type == "cpu" else None

    def __call__(self, pictures: Iterable[Picture], count: int | None = None) -> Features:
        """All of them in order; `count` is for the progress bar alone."""
        bar = iter(tqdm(pictures, total=count, desc="features", disable=count is None))
        parts = []
        while part := list(islice(bar, BATCH)):
            parts.append(self._of(np.stack(part)))
        return np.concatenate(parts)

    def _of(self, pictures: NDArray[np.uint8]) -> Features:
        planes = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
        if self._session is not None:
            return np.asarray(self._session.run(None, {"pictures": planes})[0], np.float32)
        with torch.inference_mode():
            found: Features = self.backbone(torch.from_numpy(planes).to(self.device)).cpu().numpy()
        return found


def _session(backbone: nn.Module, threads: int) -> Any:
    buffer = io.BytesIO()
    torch.onnx.export(
        backbone,
        (torch.zeros(2, 3, INPUT, INPUT, dtype=torch.uint8),),
        buffer,  # the annotation knows paths only; dynamo=False takes files too
        input_names=["pictures"],
        output_names=["features"],
        dynamic_axes={"pictures": {0: "batch"}, "features": {0: "batch"}},
        dynamo=False,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
