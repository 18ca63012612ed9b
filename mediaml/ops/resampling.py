"""Separable, antialiased resampling of images, the kernels and the rounding of Pillow's `Image.resize`.

No library among the dependencies has an antialiased bicubic filter, and models such as CLIP were trained on
Pillow's. Each axis is one product with a banded matrix: rows of the result are computed in blocks, each from
the band of the source that its kernels reach, so the work is a few small dense products (BLAS), each too
small for BLAS to start threads of its own beside those of the pipeline.

`bicubic` equals Pillow bit for bit; `bilinear` is faster and within one level of it. `opencv-linear` is
OpenCV's own `INTER_LINEAR`, which looks at the two nearest pixels only, however much it shrinks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import require
from mediaml.core.frame import Resample

Indices = NDArray[np.int64]

BLOCK = 8
PRODUCT = 1 << 18
STRIP = 256
FIXED_POINT = 1 << 22
SUPPORT = {"bilinear": 1.0, "bicubic": 2.0, "opencv-linear": 1.0}
WHOLE = 4
"""OpenCV scales a whole image where the result has at most this many times the pixels of the window."""


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A block of rows of the result, `result[rows] = weights @ source[reach]`; rows of weights sum to 1."""

    rows: slice
    reach: slice
    weights: NDArray[np.floating]


def _kernel(distance: NDArray[np.float64], resample: Resample) -> NDArray[np.float64]:
    """Triangle, or Keys' cubic convolution with a = -0.5 (IEEE Trans. ASSP 29(6), 1981)."""
    x = np.abs(distance)
    if resample != "bicubic":
        return np.maximum(0.0, 1.0 - x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _rounded(weights: NDArray[np.float64], resample: Resample) -> NDArray[np.floating]:
    """In single precision; for `bicubic` in Pillow's fixed point, whose sums float64 holds exactly."""
    if resample != "bicubic":
        return weights.astype(np.float32)
    return np.asarray(np.rint(weights * FIXED_POINT) / FIXED_POINT)


@lru_cache(maxsize=128)
def _bands(source: int, target: int, first: int, last: int, resample: Resample) -> tuple[Band, ...]:
    """The matrix that scales an axis of `source` pixels to `target`, for the results `first` to `last - 1`.

    When shrinking, the kernel is widened by the scale (antialias), but not OpenCV's. Which pixels a kernel
    reaches is rounded as Pillow's `precompute_coeffs` does it, and weights are normalised over those inside.
    """
    scale = source / target
    stretch = 1.0 if resample == "opencv-linear" else max(scale, 1.0)
    support = SUPPORT[resample] * stretch
    centres = (np.arange(first, last) + 0.5) * scale
    lows = np.maximum(0, (centres - support + 0.5).astype(np.int64))
    highs = np.minimum(source, (centres + support + 0.5).astype(np.int64))
    taps = np.arange((highs - lows).max())
    inside = taps < (highs - lows)[:, None]
    weights = _kernel((lows[:, None] + taps + 0.5 - centres[:, None]) / stretch, resample) * inside
    rounded = _rounded(weights / weights.sum(axis=1, keepdims=True), resample)
    return tuple(
        _band(slice(start, start + BLOCK), lows, highs, rounded) for start in range(0, last - first, BLOCK)
    )


def _band(rows: slice, lows: Indices, highs: Indices, weights: NDArray[np.floating]) -> Band:
    """A block of rows as one dense matrix: their weights, each row shifted to where its kernel begins."""
    lows, highs, weights = lows[rows], highs[rows], weights[rows]
    reach = slice(int(lows[0]), int(highs[-1]))
    block = np.zeros((len(lows), reach.stop - reach.start), dtype=weights.dtype)
    for row, (low, high) in enumerate(zip(lows - reach.start, highs - reach.start, strict=True)):
        block[row, low:high] = weights[row, : high - low]
    return Band(slice(rows.start, rows.start + len(lows)), reach, block)


def _scale_rows(image: UInt8Array, bands: tuple[Band, ...], first: int = 0) -> UInt8Array:
    """Apply the bands to axis 0 of [rows, columns, channels], rounded and clipped to 0..255.

    `first` is the source's row that the image begins with.
    """
    flat = image.reshape(image.shape[0], -1)
    result = np.empty((bands[-1].rows.stop, flat.shape[1]), dtype=np.uint8)
    for band in bands:
        source = flat[band.reach.start - first : band.reach.stop - first]
        piece = max(1, PRODUCT // band.weights.size)
        for start in range(0, flat.shape[1], piece):
            values = band.weights @ source[:, start : start + piece].astype(band.weights.dtype)
            values += 0.5
            np.clip(values, 0.0, 255.0, out=values)
            result[band.rows, start : start + piece] = values
    return result.reshape(-1, *image.shape[1:])


def _scale_columns(image: UInt8Array, bands: tuple[Band, ...]) -> UInt8Array:
    """Apply the bands to axis 1, strip by strip, so that the transposed copy stays small."""
    result = np.empty((image.shape[0], bands[-1].rows.stop, image.shape[2]), dtype=np.uint8)
    for top in range(0, image.shape[0], STRIP):
        strip = np.asarray(cv2.transpose(image[top : top + STRIP]), dtype=np.uint8)
        result[top : top + STRIP] = cv2.transpose(_scale_rows(strip, bands))
    return result


def _by_opencv(image: UInt8Array, width: int, height: int) -> UInt8Array:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def resample_window(
    image: UInt8Array, size: tuple[int, int], columns: slice, rows: slice, resample: Resample
) -> UInt8Array:
    """Scale an image and return the given window of the result, computing only that.

    Columns come first and are rounded to 0..255 before the rows, as in the Pillow that CLIP was trained with:
    with kernels that overshoot, the order and the clipping between show.

    Args:
        image: uint8 [H, W, channels].
        size: width and height in pixels of the whole scaled image.
        columns, rows: the window, with start and stop inside it.
        resample: `bilinear` or `bicubic`, antialiased when shrinking, or `opencv-linear`: exactly
            `cv2.INTER_LINEAR`, within one level of it where only a small part of the result is wanted.

    Returns:
        uint8 [rows, columns, channels]; may be a view of `image` where nothing changes.

    Raises:
        ValueError: the image is empty or the window is not inside the result.
    """
    width, height = size
    source_height, source_width = image.shape[:2]
    require(source_width > 0 and source_height > 0, f"an image must not be empty: {image.shape}")
    inside = 0 <= columns.start < columns.stop <= width and 0 <= rows.start < rows.stop <= height
    require(inside, f"window {columns}, {rows} is not inside {width}x{height}")
    shown = (columns.stop - columns.start) * (rows.stop - rows.start)
    if resample == "opencv-linear" and width * height <= WHOLE * shown:
        return _by_opencv(image, width, height)[rows, columns]
    row_bands = _bands(source_height, height, rows.start, rows.stop, resample)
    reached = slice(row_bands[0].reach.start, row_bands[-1].reach.stop)
    image = image[reached] if source_height != height else image[rows]
    if source_width == width:
        image = image[:, columns]
    else:
        image = _scale_columns(image, _bands(source_width, width, columns.start, columns.stop, resample))
    return image if source_height == height else _scale_rows(image, row_bands, reached.start)
