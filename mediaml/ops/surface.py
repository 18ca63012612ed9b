"""Images that can be drawn on in place: RGB pixels, or the planes of a video frame."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import UInt8Array
from mediaml.ops.lettering import Tag
from mediaml.ops.shapes import Stroke
from mediaml.ops.yuv import ColorMatrix, Planes, Rgb, yuv_of


class Surface(Protocol):
    """An image that can be drawn on in place; coordinates are pixels within it."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""

    def fill(self, left: int, top: int, right: int, bottom: int, color: Rgb, dash: int = 0) -> None:
        """Fill a rectangle; right and bottom are exclusive.

        Args:
            dash: an even number of pixels along the longer side that are filled, then left out, in turn;
                0 fills all of them.
        """

    def paint(self, stroke: Stroke, color: Rgb) -> None:
        """Colour the pixels of a stroke."""

    def put(self, tag: Tag, left: int, top: int) -> None:
        """Put a tag; what hangs over the right or bottom edge is cut. `left` and `top` are even."""


class RgbSurface:
    """Draws on a uint8 RGB image [height, width, 3], which is changed in place."""

    def __init__(self, image: UInt8Array) -> None:
        self._image = image
        self.height, self.width = image.shape[:2]

    def fill(self, left: int, top: int, right: int, bottom: int, color: Rgb, dash: int = 0) -> None:
        _fill(self._image, (left, top, right, bottom), color, dash)

    def paint(self, stroke: Stroke, color: Rgb) -> None:
        _area(self._image, stroke.mask, stroke.left, stroke.top)[stroke.mask] = color

    def put(self, tag: Tag, left: int, top: int) -> None:
        _blit(self._image, tag.image, left, top)


class YuvSurface:
    """Draws on limited-range yuv420p planes, which are changed in place; no RGB image is ever made.

    Args:
        planes: the frame's own planes, writable.
        matrix: the matrix that the stream is in.
    """

    def __init__(self, planes: Planes, matrix: ColorMatrix) -> None:
        self._planes = planes
        self._matrix = matrix
        self.width, self.height = planes.width, planes.height

    def fill(self, left: int, top: int, right: int, bottom: int, color: Rgb, dash: int = 0) -> None:
        y, u, v = yuv_of(color, self._matrix)
        _fill(self._planes.y, (left, top, right, bottom), y, dash, grid=2)
        # A chroma sample is coloured whole where one of its pixels is.
        half = (left // 2, top // 2, (right + 1) // 2, (bottom + 1) // 2)
        _fill(self._planes.u, half, u, dash // 2)
        _fill(self._planes.v, half, v, dash // 2)

    def paint(self, stroke: Stroke, color: Rgb) -> None:
        y, u, v = yuv_of(color, self._matrix)
        # A chroma sample is coloured whole where one of its pixels is.
        mask = np.pad(stroke.mask, [(0, length % 2) for length in stroke.mask.shape])
        half = mask[::2, ::2] | mask[::2, 1::2] | mask[1::2, ::2] | mask[1::2, 1::2]
        _area(self._planes.y, stroke.mask, stroke.left, stroke.top)[stroke.mask] = y
        _area(self._planes.u, half, stroke.left // 2, stroke.top // 2)[half] = u
        _area(self._planes.v, half, stroke.left // 2, stroke.top // 2)[half] = v

    def put(self, tag: Tag, left: int, top: int) -> None:
        patch = tag.planes(self._matrix)
        _blit(self._planes.y, patch.y, left, top)
        _blit(self._planes.u, patch.u, left // 2, top // 2)
        _blit(self._planes.v, patch.v, left // 2, top // 2)


def _fill(
    plane: UInt8Array, rect: tuple[int, int, int, int], value: int | Rgb, dash: int, grid: int = 1
) -> None:
    left, top, right, bottom = rect
    if not dash:
        plane[top:bottom, left:right] = value
    elif right - left >= bottom - top:
        plane[top:bottom, _dashes(left, right, dash, grid)] = value
    else:
        plane[_dashes(top, bottom, dash, grid), left:right] = value


def _dashes(start: int, stop: int, dash: int, grid: int) -> NDArray[np.int64]:
    """The positions in [start, stop) that are filled; dashes count from `start`, rounded down to `grid`.

    On a grid of 2, a dash of luma covers just the pixels of a dash of chroma.
    """
    positions = np.arange(start, stop, dtype=np.int64)
    filled: NDArray[np.int64] = positions[(positions - start + start % grid) // dash % 2 == 0]
    return filled


def _blit(plane: UInt8Array, patch: UInt8Array, left: int, top: int) -> None:
    area = plane[top : top + patch.shape[0], left : left + patch.shape[1]]
    area[:] = patch[: area.shape[0], : area.shape[1]]


def _area(plane: UInt8Array, mask: NDArray[np.bool_], left: int, top: int) -> UInt8Array:
    return plane[top : top + mask.shape[0], left : left + mask.shape[1]]
