"""Pictures made by code, the inputs of the golden file that `mediaml models verify` replays."""

import cv2
import numpy as np
from numpy.typing import NDArray


def draw_pictures(count: int = 2, height: int = 96, width: int = 128, seed: int = 7) -> NDArray[np.uint8]:
    """uint8 RGB [count, height, width, 3]: colour ramps with discs, bars and a standing figure on them."""
    rng = np.random.default_rng(seed)
    pictures = np.empty((count, height, width, 3), np.uint8)
    for picture in pictures:
        ramp = np.linspace(0, 1, width)[None, :, None] * rng.integers(40, 200, 3)
        canvas = np.ascontiguousarray(np.broadcast_to(ramp + 30, (height, width, 3)).astype(np.uint8))
        for _ in range(6):
            x, y = int(rng.integers(width)), int(rng.integers(height))
            colour = tuple(int(value) for value in rng.integers(0, 256, 3))
            cv2.circle(canvas, (x, y), int(rng.integers(4, 24)), colour, -1)
            cv2.rectangle(canvas, (y, x), (y + 18, x + 9), colour, 2)
        cv2.circle(canvas, (width // 2, height // 4), 8, (220, 180, 150), -1)
        cv2.rectangle(
            canvas, (width // 2 - 9, height // 4 + 9), (width // 2 + 9, height - 8), (30, 40, 120), -1
        )
        picture[:] = canvas
    return pictures
