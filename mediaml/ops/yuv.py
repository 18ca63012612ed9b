"""Colours and small images as limited-range YUV 4:2:0, so that boxes go straight onto a frame's planes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import require

Rgb = tuple[int, int, int]
Yuv = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ColorMatrix:
    """Luma weights of red and blue; green has the rest. Source: ITU-T H.273, table 4."""

    red: float
    blue: float


BT601 = ColorMatrix(0.299, 0.114)
BT709 = ColorMatrix(0.2126, 0.0722)
BT2020 = ColorMatrix(0.2627, 0.0593)
FCC = ColorMatrix(0.30, 0.11)
SMPTE240M = ColorMatrix(0.212, 0.087)

# MatrixCoefficients of ITU-T H.273; FFmpeg's AVColorSpace has the same numbers.
MATRICES = {
    1: BT709,
    4: FCC,
    5: BT601,
    6: BT601,
    7: SMPTE240M,
    9: BT2020,
    10: BT2020,
}


def matrix_of(code: int) -> ColorMatrix:
    """The matrix that `MatrixCoefficients` (ITU-T H.273) names; BT.601 for a code that names none."""
    return MATRICES.get(code, BT601)


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """The planes of one yuv420p image.

    Attributes:
        y: uint8 [height, width].
        u, v: uint8 [(height + 1) // 2, (width + 1) // 2].
    """

    y: UInt8Array
    u: UInt8Array
    v: UInt8Array

    def __post_init__(self) -> None:
        chroma = ((self.y.shape[0] + 1) // 2, (self.y.shape[1] + 1) // 2)
        require(
            self.u.shape == chroma and self.v.shape == chroma,
            f"chroma of {self.y.shape} luma has shape {chroma}, not {self.u.shape} and {self.v.shape}",
        )

    @property
    def width(self) -> int:
        """Pixels of luma."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Pixels of luma."""
        return int(self.y.shape[0])


def planes_of(image: UInt8Array, matrix: ColorMatrix) -> Planes:
    """An RGB image as limited-range yuv420p: luma 16..235, chroma 16..240, each chroma the mean of four.

    The chroma sample sits amid its four pixels; on flat colour the siting of the stream makes no difference.

    Args:
        image: uint8 [height, width, 3]; height and width even.
        matrix: see `matrix_of`.

    Raises:
        ValueError: the height or width is odd.
    """
    height, width = image.shape[:2]
    require(height % 2 == 0 and width % 2 == 0, f"size must be even, not {width}x{height}")
    red, green, blue = (image[..., channel].astype(np.float32) / 255 for channel in range(3))
    luma = matrix.red * red + (1 - matrix.red - matrix.blue) * green + matrix.blue * blue
    planes = [16 + 219 * luma]
    for primary, weight in ((blue, matrix.blue), (red, matrix.red)):
        chroma = 128 + 112 * (primary - luma) / (1 - weight)
        planes.append(chroma.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)))
    y, u, v = (np.rint(plane).clip(0, 255).astype(np.uint8) for plane in planes)
    return Planes(y, u, v)


@lru_cache(maxsize=4096)
def yuv_of(color: Rgb, matrix: ColorMatrix) -> Yuv:
    """One RGB colour (0..255 each) as limited-range Y, U and V."""
    planes = planes_of(np.full((2, 2, 3), color, np.uint8), matrix)
    return int(planes.y[0, 0]), int(planes.u[0, 0]), int(planes.v[0, 0])
