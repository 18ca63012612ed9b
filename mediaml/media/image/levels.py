"""From the levels that a file stores to the 8-bit RGB that a viewer shows.

Colour profiles are not applied: the numbers are taken as sRGB, as models are trained on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from mediaml.core.arrays import Array, UInt8Array

WHITE = 255
# Images are converted in strips of so many pixels, so that no second copy at the stored depth is made.
STRIP_PIXELS = 1 << 20


@dataclass(frozen=True, slots=True)
class Levels:
    """The stored values shown as black and as white; black is the greater one where light is inverted."""

    black: float
    white: float


def strips(width: int, height: int) -> Iterator[slice]:
    """The rows of an image, in strips of about `STRIP_PIXELS`."""
    step = max(1, STRIP_PIXELS // max(1, width))
    for top in range(0, height, step):
        yield slice(top, min(height, top + step))


def to_8bit(values: Array, levels: Levels) -> UInt8Array:
    """Scale values to 0..255, rounded and clipped; NaN is black."""
    if values.dtype == np.uint8 and levels == Levels(0, WHITE):
        return values
    if values.dtype == np.uint8:
        every = np.arange(256, dtype=np.uint8)
        return np.asarray(_scaled(every, levels)[values])
    return _scaled(values, levels)


def _scaled(values: Array, levels: Levels) -> UInt8Array:
    # float32 holds 24 bits: enough for levels of up to 16 bits, and for the 8 bits that are kept of others.
    wide = np.float64 if values.dtype.itemsize > 4 or values.dtype.kind in "iu" else np.float32
    scale = WHITE / (levels.white - levels.black)
    result = np.nan_to_num(values.astype(wide), nan=levels.black)
    result -= levels.black
    result *= scale
    result += 0.5
    return cast(UInt8Array, result.clip(0, WHITE).astype(np.uint8))


def over_white(colour: UInt8Array, alpha: UInt8Array, *, premultiplied: bool = False) -> UInt8Array:
    """Lay RGB [H, W, 3] with alpha [H, W, 1] over white, uint8 RGB [H, W, 3].

    The operator `over` of Porter and Duff, Compositing Digital Images, 1984.
    """
    if alpha.min(initial=WHITE) == WHITE:
        return np.ascontiguousarray(colour)
    wide = colour.astype(np.uint16)
    if premultiplied:
        return cast(UInt8Array, np.minimum(wide + (WHITE - alpha), WHITE).astype(np.uint8))
    mixed = wide * alpha + np.uint16(WHITE) * (WHITE - alpha) + np.uint16(WHITE // 2)
    return cast(UInt8Array, (mixed // WHITE).astype(np.uint8))


def cmyk_to_rgb(cmyk: UInt8Array) -> UInt8Array:
    """CMYK [H, W, 4] without a profile: red is (1 - C)(1 - K), as Pillow converts it."""
    light = WHITE - cmyk.astype(np.uint16)
    return cast(UInt8Array, ((light[..., :3] * light[..., 3:] + WHITE // 2) // WHITE).astype(np.uint8))


def to_rgb(pixels: UInt8Array) -> UInt8Array:
    """Grey [H, W], grey and alpha, RGB, or RGBA (not premultiplied) to RGB [H, W, 3] over white."""
    height, width = pixels.shape[:2]
    channels = pixels.reshape(height, width, -1)
    count = channels.shape[2]
    if count == 3:
        return np.ascontiguousarray(channels)
    result = np.empty((height, width, 3), np.uint8)
    for rows in strips(width, height):
        colour = channels[rows, :, :1] if count < 3 else channels[rows, :, :3]
        result[rows] = over_white(colour, channels[rows, :, -1:]) if count in (2, 4) else colour
    return result
