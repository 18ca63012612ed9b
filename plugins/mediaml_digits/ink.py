"""Ink on a ground: what was written, whatever the light, and whichever of the two is the darker.

All functions are pure. Ink is float32 [height, width], grey levels above the ground, 0 where there is none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mediaml.plugin import Float32Array, UInt8Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Float64Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SURFACE_SIDE = 40  # the ground is smooth: its surface is fitted on at most so many pixels per side
FAINTEST = 14.0  # grey levels; less contrast than this is a blank page to a reader too
TUKEY = 4.685  # tuning constant of the biweight, 95 % efficient on Gaussian noise (Holland & Welsch, 1977)


def grey_of(image: UInt8Array) -> Float32Array:
    """ITU-R BT.601 luma of uint8 [H, W] or RGB [H, W, 3], as float32 [H, W], levels 0..255."""
    if image.ndim == 2:
        return image.astype(np.float32)
    return image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def shrink(grey: Float32Array, side: int) -> Float32Array:
    """The same image with its long side at most `side` pixels, antialiased."""
    import cv2

    height, width = grey.shape
    scale = side / max(height, width)
    if scale >= 1:
        return grey
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def quadratic(height: int, width: int) -> Float32Array:
    """The terms 1, x, y, x², xy, y² over an image, float32 [height * width, 6], x and y in -1..1."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y]
    return np.stack([term.ravel() for term in terms], axis=1).astype(np.float32)


@lru_cache(maxsize=16)
def small_terms(height: int, width: int) -> tuple[Float32Array, Float64Array]:
    """`quadratic` of an image of at most `SURFACE_SIDE` pixels per side, in both precisions."""
    terms = quadratic(height, width)
    return terms, terms.astype(np.float64)


def row_medians(rows: Float32Array) -> Float32Array:
    """The median of each row, float32 [n], as `numpy.median` gives it for values that are all numbers."""
    middle = rows.shape[1] // 2
    if rows.shape[1] % 2:
        return np.asarray(np.partition(rows, middle, axis=1)[:, middle], np.float32)
    parted = np.partition(rows, (middle - 1, middle), axis=1)
    return np.asarray((parted[:, middle - 1] + parted[:, middle]) / np.float32(2), np.float32)


def ground_surfaces(greys: Sequence[Float32Array], rounds: int = 8) -> Float32Array:
    """The ground under the ink of each image: a quadratic surface, fitted robustly, float32 [n, H, W].

    Iteratively reweighted least squares with Tukey's biweight. It starts from the rim, where ink is
    rarest, so that a stroke that fills most of a tight crop is not taken for the paper.

    Args:
        greys: images of one shape [H, W].
    """
    small = np.stack([shrink(grey, SURFACE_SIDE) for grey in greys])
    count, height, width = small.shape
    terms, exact_terms = small_terms(height, width)
    columns = np.ascontiguousarray(terms.T)
    weighted = np.empty((count, *columns.shape), np.float32)
    values = small.reshape(count, -1)
    frame = np.ones((height, width), bool)
    depth_y, depth_x = max(1, height // 8), max(1, width // 8)
    frame[depth_y : height - depth_y, depth_x : width - depth_x] = False
    rim = frame.ravel()
    start = row_medians(values[:, rim])
    residual = values - start[:, None]
    flat = np.zeros(count, bool)
    for turn in range(rounds):
        spread = row_medians(np.abs(residual if turn else residual[:, rim])).astype(np.float64)
        scale = (TUKEY * np.maximum(2.0, 1.4826 * spread)).astype(np.float32)
        weights = np.square(np.maximum(1 - np.square(residual / scale[:, None]), np.float32(0)))
        if turn == 0:
            weights *= np.where(rim, 1.0, 0.3)
        flat |= weights.sum(axis=1) < 6
        np.multiply(columns, weights[:, None], out=weighted)
        fit = _weighted_fits(terms, values * weights, weighted.transpose(0, 2, 1))
        surfaces = (exact_terms @ fit)[..., 0]
        residual = values - surfaces.astype(np.float32)
    whole = greys[0].shape
    if min(height, width) < 3:
        # Terms of so few pixels depend on one another: of all fits the least is meant.
        fit = np.asarray(np.linalg.lstsq(terms, surfaces.T, rcond=None)[0], np.float64).T[..., None]
    if whole != (height, width):
        terms = quadratic(*whole)
    ground = (terms @ fit.astype(np.float32)).reshape(count, *whole)
    ground[flat] = start[flat, None, None]
    return ground


def _weighted_fits(terms: Float32Array, values: Float32Array, weighted: Float32Array) -> Float64Array:
    """The coefficients that fit each row of values, float64 [n, terms, 1].

    Args:
        values: times their weights. weighted: the terms of each, times the weights.
    """
    gram = terms.T @ weighted + 1e-3 * np.eye(6, dtype=np.float32)
    gram[:, 0, 0] -= 1e-3
    right = terms.T @ values[..., None]
    return np.asarray(np.linalg.solve(gram + 1e-6 * np.eye(6), right), np.float64)


@lru_cache(maxsize=16)
def disc(size: int) -> UInt8Array:
    """OpenCV's elliptic kernel of so many pixels per side."""
    import cv2

    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


@lru_cache(maxsize=64)
def square(size: int) -> UInt8Array:
    """OpenCV's kernel of a square of so many pixels per side."""
    return np.ones((size, size), np.uint8)


def local_ground(grey: Float32Array, dark: bool) -> Float32Array:
    """The ground that follows shadows and glare: grey closing (dark ink) or opening of a small copy.

    Its kernel is wider than any stroke, so that strokes vanish and what is broader than them stays.
    """
    import cv2

    small = shrink(grey, SURFACE_SIDE)
    kernel = disc(round(0.4 * max(small.shape)) | 1)
    ground = cv2.morphologyEx(small, cv2.MORPH_CLOSE if dark else cv2.MORPH_OPEN, kernel)
    if small.shape == grey.shape:
        return np.asarray(ground, np.float32)
    size_xy = (grey.shape[1], grey.shape[0])
    return np.asarray(cv2.resize(ground, size_xy, interpolation=cv2.INTER_LINEAR), np.float32)


def inks_of(greys: Sequence[Float32Array]) -> Float32Array:
    """Ink of the thing in each image on its ground, of whichever polarity stands out more, [n, H, W].

    Ink is what both grounds agree on: the smooth surface is not fooled by thick strokes and counters, the
    local one not by shadows, glare and paper edges.

    Args:
        greys: images of one shape [H, W].
    """
    grey = np.stack(greys)
    residual = grey - ground_surfaces(greys)
    under_dark = np.stack([local_ground(one, True) for one in greys])
    under_light = np.stack([local_ground(one, False) for one in greys])
    dark = np.maximum(np.minimum(-residual, under_dark - grey), np.float32(0))
    light = np.maximum(np.minimum(residual, grey - under_light), np.float32(0))
    flat = (len(greys), -1)
    is_dark = (dark**3).reshape(flat).sum(axis=1) >= (light**3).reshape(flat).sum(axis=1)
    return np.asarray(np.where(is_dark[:, None, None], dark, light), np.float32)


def quantile(values: Float32Array, share: float) -> float:
    """The value below which a share (0..1) of some lies; `numpy.quantile`, which takes ten times as long."""
    place = (values.size - 1) * share
    before = int(place)
    after, part = min(before + 1, values.size - 1), place - before
    parted = np.partition(values, (before, after))
    low, high = parted[before], parted[after]
    return float(high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part)


def peak_and_noise(ink: Float32Array) -> tuple[float, float]:
    """How strong the ink is (grey levels) and the noise of the ground (standard deviation)."""
    import cv2

    top = max(float(ink.max()), 1e-6)
    levels = np.minimum(ink * (255 / top), np.float32(255)).astype(np.uint8)
    cut, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    is_strong = levels > cut
    strong = ink[is_strong]
    peak = quantile(strong, 0.75) if strong.size else top
    # Of noise cut off at zero, the 84th percentile is one standard deviation.
    return peak, quantile(ink[~is_strong], 0.84)


def mask_of(ink: Float32Array, peak: float, noise: float) -> Mask:
    """Where ink is, bool like `ink`: hysteresis between the edge of a stroke and its core.

    All false where there is no contrast that a reader would call ink.

    Args:
        peak, noise: see `peak_and_noise`.
    """
    import cv2

    if peak < max(FAINTEST, 3 * noise):
        return np.zeros(ink.shape, bool)
    core = max(0.45 * peak, 2.5 * noise)
    edge = min(core, max(0.22 * peak, 2.5 * noise))
    count, parts = cv2.connectedComponents((ink > edge).astype(np.uint8), connectivity=8)
    held = np.zeros(count, bool)
    held[parts[ink > core]] = True
    held[0] = False
    return np.asarray(held[parts], bool)
