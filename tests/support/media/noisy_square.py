"""A clip in which a square of noise moves over flat grey: what is hidden of it loses its detail."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.frame import Frame
from mediaml.core.prediction import Box, Detection, Label, Prediction
from tests.support.media.annotated_clips import GREY, HEIGHT, SIDE, WIDTH, clicks, square_at, write_clip

NAME = "person"
BACK = (4, 4, 40, 30)
"""left, top, right, bottom of a patch of noise that no model finds."""


def noisy_square(index: int) -> UInt8Array:
    """Noise in the square and in the patch: uint8 RGB [HEIGHT, WIDTH, 3]."""
    rng = np.random.default_rng(index)
    image = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    x, y = square_at(index)
    image[y : y + SIDE, x : x + SIDE] = rng.integers(0, 2, (SIDE, SIDE, 1)) * 200 + 20
    left, top, right, bottom = BACK
    image[top:bottom, left:right] = rng.integers(0, 2, (bottom - top, right - left, 1)) * 200 + 20
    return image


def write_noisy_clip(path: Path, frames: int = 40) -> Path:
    """The clip at 25 frames per second, nearly without loss, with audio."""
    return write_clip(
        path,
        ticks=range(frames),
        picture=noisy_square,
        options={"crf": "4"},
        sounds=[("aac", {})],
        sound=clicks(frames / 25, (0.1, 0.79)),
    )


def square_box(index: int) -> Box:
    """Just around the square."""
    x, y = square_at(index)
    return Box(x, y, x + SIDE, y + SIDE)


def found_square(frame: Frame) -> Prediction:
    """The square, just around it."""
    return Prediction(detections=(Detection(Label(NAME, 0.9), square_box(round(frame.time_s * 25))),))


def detail(image: UInt8Array, box: Box) -> float:
    """How much detail there is in a box: the standard deviation of the Laplacian."""
    left, top, right, bottom = (round(edge) for edge in box.corners)
    grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).std())
