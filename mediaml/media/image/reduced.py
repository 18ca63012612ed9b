"""Images at a fraction of their size, for those that do not fit in memory as a whole.

JPEG is scaled in its transform by libjpeg, PNG strip by strip by the mean of each block of pixels. Models
take a few hundred pixels a side, so what they answer stays the same within the width of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.media.image.png_strips import PngHeader, png_strips

JPEG_FACTORS = (2, 4, 8)
PNG_FACTORS = (1, 2, 3, 4, 6, 8, 12, 16)
RGB_BYTES = 3


@dataclass(frozen=True, slots=True)
class Reduction:
    """A way to decode an image at a fraction of its size.

    Attributes:
        factor: of width and height, rounded up; 1 is the whole size.
        nbytes: memory that it takes.
        decode: the pixels as stored, uint8 RGB.
    """

    factor: int
    nbytes: int
    decode: Callable[[], UInt8Array]


def pixels_at(width: int, height: int, factor: int) -> int:
    """Pixels of an image whose sides were divided."""
    return -(-width // factor) * -(-height // factor)


def png_reduction(data: bytes, most: int, still: Callable[[bytes], UInt8Array]) -> Reduction | None:
    """The least reduction of a PNG that fits in `most` bytes; `None` where none does.

    Args:
        data: a file as `sound_png` returns it, of one image.
        still: decodes a small PNG.
    """
    header = PngHeader.of(data)
    if header.interlaced:
        return None
    for factor in PNG_FACTORS:
        size = header.strip_bytes(factor) + RGB_BYTES * pixels_at(header.width, header.height, factor)
        if size <= most:
            strips = map(still, png_strips(data, factor))
            return Reduction(factor, size, partial(shrunk, strips, header.width, header.height, factor))
    return None


def jpeg_reduction(
    width: int, height: int, held: int, most: int, decode: Callable[[int], UInt8Array]
) -> Reduction | None:
    """The least reduction of a JPEG that fits in `most` bytes; `None` where none does.

    Args:
        held: bytes that libjpeg takes beside the result.
        decode: decodes at a fraction of the size.
    """
    for factor in JPEG_FACTORS:
        size = held + RGB_BYTES * pixels_at(width, height, factor)
        if size <= most:
            return Reduction(factor, size, partial(decode, factor))
    return None


def shrunk(strips: Iterable[UInt8Array], width: int, height: int, factor: int) -> UInt8Array:
    """The mean of each block of `factor` x `factor` pixels of an image that comes in strips, uint8 RGB.

    Blocks at the right and lower edge repeat the last pixel. Every strip but the last has a multiple of
    `factor` rows.
    """
    result = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for top, strip in _placed(strips, factor):
        rows, across = -(-strip.shape[0] // factor), result.shape[1]
        if factor == 1:
            result[top : top + rows] = strip
            continue
        below, beside = rows * factor - strip.shape[0], across * factor - strip.shape[1]
        whole = cv2.copyMakeBorder(strip, 0, below, 0, beside, cv2.BORDER_REPLICATE)
        result[top : top + rows] = cv2.resize(whole, (across, rows), interpolation=cv2.INTER_AREA)
    return result


def _placed(strips: Iterable[UInt8Array], factor: int) -> Iterator[tuple[int, UInt8Array]]:
    top = 0
    for strip in strips:
        yield top, strip
        top += -(-strip.shape[0] // factor)
