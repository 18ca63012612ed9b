"""What the graphs of `scripts.video_graphs` answer, computed with NumPy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scripts.video_graphs import weights


def conv3d_logits(clip: NDArray[np.float32], classes: int = 3) -> NDArray[np.float64]:
    """Logits [classes] of a clip float32 [3, T, H, W]: a convolution without padding, ReLU, means, scores."""
    values = weights(classes)
    kernel = values["kernel"].astype(np.float64)
    around = np.lib.stride_tricks.sliding_window_view(clip.astype(np.float64), (3, 3, 3), axis=(1, 2, 3))
    features = np.einsum("cthwijk,ocijk->othw", around, kernel, optimize=True)
    pooled = np.maximum(features, 0).mean(axis=(1, 2, 3))
    return np.asarray(pooled @ values["scores"] + values["bias"])


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities."""
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())
