"""Images that can be drawn on in place: RGB pixels, or the planes of a video frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.ops.lettering import Tag
from mediaml.ops.shapes import Mask
from mediaml.ops.yuv import ColorMatrix, Planes, Rgb, planes_of, yuv_of


@dataclass(frozen=True, slots=True, eq=False)
class Ramp:
    """Colours for levels.

    Attributes:
        colors: uint8 RGB [256, 3].
        alphas: how much of each covers what is below, float32 [256], 0..1.
    """

    colors: UInt8Array = field(repr=False)
    alphas: Float32Array = field(repr=False)


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

    def paint(self, mask: Mask, color: Rgb) -> None:
        """Colour the pixels of a mask."""

    def coarsen(self, mask: Mask, block: int, *, smooth: bool) -> None:
        """Replace the pixels of a mask by the means of square blocks.

        Args:
            block: side of a block, pixels; those at the edges of the mask may be larger.
            smooth: blend neighbouring blocks.
        """

    def darken(self, mask: Mask, share: float) -> None:
        """Move the pixels of a mask towards black by a share, 0..1."""

    def blend(self, levels: UInt8Array, ramp: Ramp) -> None:
        """Lay colours over the image: the one of the ramp for each level, uint8 [height, width]."""

    def put(self, tag: Tag, left: int, top: int) -> None:
        """Put a tag; what hangs over the right or bottom edge is cut. `left` and `top` are even."""


class RgbSurface:
    """Draws on a uint8 RGB image [height, width, 3], which is changed in place."""

    def __init__(self, image: UInt8Array) -> None:
        self._image = image
        self.height, self.width = image.shape[:2]

    def fill(self, left: int, top: int, right: int, bottom: int, color: Rgb, dash: int = 0) -> None:
        _fill(self._image, (left, top, right, bottom), color, dash)

    def paint(self, mask: Mask, color: Rgb) -> None:
        _area(self._image, mask.pixels, mask.left, mask.top)[mask.pixels] = color

    def coarsen(self, mask: Mask, block: int, *, smooth: bool) -> None:
        _coarsen(_area(self._image, mask.pixels, mask.left, mask.top), mask.pixels, block, smooth)

    def darken(self, mask: Mask, share: float) -> None:
        area = _area(self._image, mask.pixels, mask.left, mask.top)
        np.copyto(area, cv2.LUT(area, _towards(0, share)), where=mask.pixels[..., None])

    def blend(self, levels: UInt8Array, ramp: Ramp) -> None:
        for channel in range(3):
            _blend(self._image[..., channel], levels, ramp.colors[:, channel], ramp.alphas)

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

    def paint(self, mask: Mask, color: Rgb) -> None:
        # A chroma sample is coloured whole where one of its pixels is.
        for (area, pixels), value in zip(self._areas(mask), yuv_of(color, self._matrix), strict=True):
            area[pixels] = value

    def coarsen(self, mask: Mask, block: int, *, smooth: bool) -> None:
        for (area, pixels), side in zip(self._areas(mask), (block, block // 2, block // 2), strict=True):
            _coarsen(area, pixels, max(1, side), smooth)

    def darken(self, mask: Mask, share: float) -> None:
        for (area, pixels), black in zip(self._areas(mask), (16, 128, 128), strict=True):
            np.copyto(area, cv2.LUT(area, _towards(black, share)), where=pixels)

    def blend(self, levels: UInt8Array, ramp: Ramp) -> None:
        colors = planes_of(np.repeat(np.repeat(ramp.colors[None], 2, axis=0), 2, axis=1), self._matrix)
        half = cv2.resize(levels, self._planes.u.shape[::-1], interpolation=cv2.INTER_AREA)
        _blend(self._planes.y[: levels.shape[0], : levels.shape[1]], levels, colors.y[0, ::2], ramp.alphas)
        _blend(self._planes.u, np.asarray(half, np.uint8), colors.u[0], ramp.alphas)
        _blend(self._planes.v, np.asarray(half, np.uint8), colors.v[0], ramp.alphas)

    def _areas(self, mask: Mask) -> Iterator[tuple[UInt8Array, NDArray[np.bool_]]]:
        """The part of each plane that a mask covers, and which of its samples are in the mask."""
        chroma = mask.chroma
        yield _area(self._planes.y, mask.pixels, mask.left, mask.top), mask.pixels
        yield _area(self._planes.u, chroma, mask.left // 2, mask.top // 2), chroma
        yield _area(self._planes.v, chroma, mask.left // 2, mask.top // 2), chroma

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


def _coarsen(area: UInt8Array, mask: NDArray[np.bool_], block: int, smooth: bool) -> None:
    height, width = area.shape[:2]
    blocks = max(1, width // block), max(1, height // block)
    means = cv2.resize(area, blocks, interpolation=cv2.INTER_AREA)
    filter_ = cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST
    coarse = cv2.resize(means, (width, height), interpolation=filter_)
    np.copyto(area, coarse, where=mask if area.ndim == 2 else mask[..., None])


@lru_cache(maxsize=64)
def _towards(black: int, share: float) -> UInt8Array:
    """Each value 0..255 moved towards one of them."""
    moved = black + (np.arange(256) - black) * (1 - share)
    return np.asarray(np.rint(moved), dtype=np.uint8)


def _blend(plane: UInt8Array, levels: UInt8Array, values: UInt8Array, alphas: Float32Array) -> None:
    """Lay `values[level]` over a plane, as much as `alphas[level]` says."""
    rows, columns = np.nonzero(levels.any(axis=1))[0], np.nonzero(levels.any(axis=0))[0]
    if not len(rows):
        return
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    area, chosen = plane[part], levels[part]
    share = cv2.LUT(chosen, alphas)
    color = cv2.LUT(chosen, (values * alphas).astype(np.float32))
    area[:] = np.rint(area * (1 - share) + color).astype(np.uint8)
