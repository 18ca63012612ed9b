"""The picture that every maker is shown: drawn, the same on every machine, of an awkward size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 331, 250


def picture() -> NDArray[np.uint8]:
    """Shapes in many colours over a gradient and fine noise, uint8 RGB [250, 331, 3]."""
    random = np.random.default_rng(12)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ramps = [columns * 255 / WIDTH, rows * 255 / HEIGHT, 255 - (rows + columns) * 255 / (HEIGHT + WIDTH)]
    canvas = np.ascontiguousarray(np.stack(ramps, axis=2).astype(np.uint8))
    for _ in range(40):
        x, y = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT))
        size, colour = int(random.integers(6, 60)), [int(level) for level in random.integers(0, 256, 3)]
        if random.random() < 0.5:
            cv2.rectangle(canvas, (x, y), (x + size, y + size // 2 + 4), colour, cv2.FILLED)
        else:
            cv2.circle(canvas, (x, y), size // 2 + 3, colour, cv2.FILLED)
    noisy = canvas.astype(np.int16) + random.integers(-12, 13, canvas.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)
