"""How a stored image is rotated and mirrored for display, by EXIF orientation 1 to 8."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import cast

import numpy as np

from mediaml.core.arrays import UInt8Array

UPRIGHT = 1
# Clockwise quarter turns of each orientation in degrees; 2, 4, 5 and 7 are mirrored as well.
ROTATION = {1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
# Signs of a, b, c, d in x' = a x + c y, y' = b x + d y, from stored to displayed axes (x right, y down);
# the layout of the display matrix: ISO/IEC 14496-12, 8.3.2.3 and FFmpeg's libavutil/display.h.
ORIENTATION_OF_AXES = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


def swaps_sides(orientation: int) -> bool:
    """Whether the stored width is the displayed height."""
    return ROTATION[orientation] in (90, 270)


def oriented(image: UInt8Array, orientation: int) -> UInt8Array:
    """The displayed image of a stored one.

    Args:
        image: uint8 [H, W, 3].
        orientation: 1 to 8 as in EXIF's tag 0x0112 (CIPA DC-008, 4.6.5).

    Returns:
        uint8 [H, W, 3], or [W, H, 3] where the orientation swaps the sides; `image` itself for 1.
    """
    if orientation == UPRIGHT:
        return image
    return cast(UInt8Array, np.ascontiguousarray(_turned(image, orientation)))


def _turned(image: UInt8Array, orientation: int) -> object:
    import cv2  # here, imported here, so that identifying a file does not wait for it

    turns: dict[int, Callable[[UInt8Array], object]] = {
        2: lambda image: cv2.flip(image, 1),
        3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
        4: lambda image: cv2.flip(image, 0),
        5: cv2.transpose,
        6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
        7: lambda image: cv2.flip(cv2.transpose(image), -1),
        8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
    }
    return turns[orientation](image)


def orientation_of_matrix(matrix: bytes) -> int:
    """The orientation of a display matrix, to the nearest quarter turn.

    Args:
        matrix: nine native 32-bit integers, as FFmpeg keeps them.
    """
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    straight = abs(a) + abs(d) >= abs(b) + abs(c)
    values = (a, 0, 0, d) if straight else (0, b, c, 0)
    signs = tuple((value > 0) - (value < 0) for value in values)
    return ORIENTATION_OF_AXES.get(cast(tuple[int, int, int, int], signs), UPRIGHT)
