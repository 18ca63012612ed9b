"""Rendered digits, pages and loaded models for the tests of the digits plugin."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from mediaml.plugin import LoadContext
from mediaml.store.bundled import bundled_model
from mediaml_digits import Options
from mediaml_digits.model import Digits

# Strokes of drawn digits: points in a 4 x 6 grid, as a hand would draw them.
STROKES: dict[int, list[tuple[float, float]]] = {
    1: [(1.2, 1), (2.2, 0), (2.2, 6)],
    2: [(0.2, 1.2), (1, 0.2), (2.6, 0), (3.6, 1), (3.4, 2.4), (0, 6), (4, 6)],
    3: [(0.2, 0.6), (2, 0), (3.7, 1), (3, 2.5), (1.6, 2.8), (3.2, 3.2), (4, 4.5), (2.6, 6), (0.2, 5.4)],
    5: [(3.8, 0), (0.6, 0), (0.4, 2.6), (2.4, 2.3), (3.9, 3.6), (3.4, 5.4), (1.6, 6), (0, 5.3)],
    7: [(0, 0), (4, 0), (2.4, 3), (1.4, 6)],
}


def drawn(digit: int, height: int = 120, pen: float = 0.1, margin: float = 0.35) -> UInt8Array:
    """A digit in black on white, uint8 [h, w]; `pen` and `margin` as shares of its height."""
    unit, edge = height / 6, round(margin * height)
    page = np.full((height + 2 * edge, round(4 * unit) + 2 * edge), 255, np.uint8)
    points = np.array([(x * unit + edge, y * unit + edge) for x, y in STROKES[digit]])
    cv2.polylines(
        page, [np.round(points * 16).astype(np.int32)], False, 0, max(1, round(pen * height)), 16, 4
    )
    return page


def row(digits: list[int], height: int = 60) -> tuple[UInt8Array, list[float]]:
    """Digits side by side, uint8 [h, w], and the middle of each, pixels from the left."""
    things = [drawn(digit, height, margin=0.25) for digit in digits]
    starts = np.cumsum([0, *(thing.shape[1] for thing in things)])
    return np.hstack(things), [
        float(start + thing.shape[1] / 2) for start, thing in zip(starts, things, strict=False)
    ]


def lit(image: UInt8Array, slope: float = 0.3) -> UInt8Array:
    """The same under a lamp at the left: brightness falls by `slope` to the right."""
    light = 1 - slope * np.linspace(0, 1, image.shape[1])
    return np.round(image * light).astype(np.uint8)


def model(**options: Any) -> Digits:
    """The bundled model with some options."""
    path = bundled_model("digits")
    context = LoadContext(
        options=Options(**options),
        weights=path,
        session_opener=lambda chosen: open_session(chosen, parse_device("cpu"), threads=1),
        warn=lambda _: None,
    )
    return Digits(context)
