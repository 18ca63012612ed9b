"""The backbone's features of many pictures: it is fixed, so each picture is shown to it once."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from scripts.training.financial.augment import INPUT
from scripts.training.financial.canvas import Picture
from scripts.training.financial.net import Backbone
from scripts.training.onnx_export import open_session, traced

Features = NDArray[np.float32]
BATCH = 16


class Extractor:
    """Pictures uint8 [INPUT, INPUT, 3] to features float32 [n, features].

    On a CPU it runs in ONNX Runtime, in half the time that PyTorch takes.
    """

    def __init__(self, backbone: Backbone, device: torch.device, threads: int) -> None:
        self.backbone, self.device = backbone.to(device), device
        self._session = None
        if device.type == "cpu":
            free = {0: "batch"}
            example = torch.zeros(2, 3, INPUT, INPUT, dtype=torch.uint8)
            model = traced(backbone, example, {"pictures": free, "features": free})
            self._session = open_session(model.SerializeToString(), threads)

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
