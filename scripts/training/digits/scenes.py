"""Pictures as they come from cameras and scanners: a thing of ink on a ground with uneven light and noise."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def pen(ink: Floats, random: np.random.Generator) -> Floats:
    """The same ink (0..1) written with a thinner or thicker pen, in half of the cases."""
    if random.random() < 0.5:
        return ink
    size = int(random.integers(2, max(3, max(ink.shape) // 18) + 1))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    changed = cv2.dilate(ink, kernel) if random.random() < 0.6 else cv2.erode(ink, kernel)
    return np.asarray(changed if changed.max() > 0.5 else ink, np.float32)


def light(height: int, width: int, random: np.random.Generator) -> Floats:
    """How bright the light is over a picture, about 1: a slope, at times with the soft edge of a shadow."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    slope_x, slope_y = random.uniform(-0.25, 0.25, 2)
    lit = 1 + slope_x * x + slope_y * y
    if random.random() < 0.25:
        angle, offset = random.uniform(0, 2 * np.pi), random.uniform(-0.6, 0.6)
        across = x * np.cos(angle) + y * np.sin(angle) - offset
        lit *= 1 - random.uniform(0.1, 0.4) / (1 + np.exp(-across * random.uniform(8, 40)))
    return np.asarray(lit, np.float32)


def photograph(ink: Floats, random: np.random.Generator, blur: float | None = None) -> Bytes:
    """Ink (0..1) [h, w] seen by a camera: two tones of either polarity, light, blur and noise; uint8 [h, w].

    `blur` is the largest standard deviation of the blur in pixels; by itself about a hundredth of the page.
    """
    height, width = ink.shape
    low = random.uniform(10, 120)
    high = random.uniform(low + 55, 210)
    ground, tone = (high, low) if random.random() < 0.65 else (low, high)
    seen: NDArray[Any] = (ground + (tone - ground) * ink) * light(height, width, random)
    if random.random() < 0.4:
        widest = 0.012 * min(ink.shape) + 0.5 if blur is None else blur
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), random.uniform(0.4, max(0.41, widest))))
    seen = seen + random.normal(0, random.uniform(0, 7), ink.shape)
    return np.clip(np.round(seen), 0, 255).astype(np.uint8)


def placed(thing: Floats, random: np.random.Generator) -> Floats:
    """A thing of ink (0..1) somewhere on an empty page of any shape, 30 to 90 % of its short side."""
    height, width = (int(side) for side in random.integers(48, 400, 2))
    longest = random.uniform(0.3, 0.9) * min(height, width)
    scale = longest / max(thing.shape)
    size = (max(3, round(thing.shape[1] * scale)), max(3, round(thing.shape[0] * scale)))
    scaled = np.clip(
        cv2.resize(thing, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA), 0, 1
    )
    page = np.zeros((height, width), np.float32)
    top, left = random.integers(0, height - size[1] + 1), random.integers(0, width - size[0] + 1)
    page[top : top + size[1], left : left + size[0]] = pen(np.asarray(scaled, np.float32), random)
    return page


def bare(random: np.random.Generator) -> Bytes:
    """A page without ink: light and noise only, uint8."""
    height, width = (int(side) for side in random.integers(32, 300, 2))
    return photograph(np.zeros((height, width), np.float32), random)
