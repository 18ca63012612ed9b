"""Ink on a ground: what was written, whatever the light, and whichever of the two is the darker.

All functions are pure. Ink is float32 [height, width], grey levels above the ground, 0 where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mediaml.plugin import Float32Array, UInt8Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def ground_surface(grey: Float32Array, rounds: int = 8) -> Float32Array:
    """The ground under the ink: a quadratic surface, fitted robustly, float32 like `grey`.

    Iteratively reweighted least squares with Tukey's biweight. It starts from the rim, where ink is
    rarest, so that a stroke that fills most of a tight crop is not taken for the paper.
    """
    small = shrink(grey, SURFACE_SIDE)
    height, width = small.shape
    values, terms = small.ravel(), quadratic(height, width)
    rim = np.ones(small.shape, bool)
    depth_y, depth_x = max(1, height // 8), max(1, width // 8)
    rim[depth_y : height - depth_y, depth_x : width - depth_x] = False
    start = float(np.median(small[rim]))
    residual = values - start
    for turn in range(rounds):
        spread = np.median(np.abs(residual)) if turn else np.median(np.abs(residual[rim.ravel()]))
        scale = TUKEY * max(2.0, 1.4826 * float(spread))
        weights = np.square(np.clip(1 - np.square(residual / scale), 0, None))
        if turn == 0:
            weights *= np.where(rim.ravel(), 1.0, 0.3)
        gram = terms.T @ (terms * weights[:, None]) + 1e-3 * np.eye(6, dtype=np.float32)
        gram[0, 0] -= 1e-3
        if weights.sum() < 6:
            return np.full(grey.shape, start, np.float32)
        surface = terms @ np.linalg.solve(gram + 1e-6 * np.eye(6), terms.T @ (values * weights))
        residual = values - surface.astype(np.float32)
    return (
        quadratic(*grey.shape) @ np.linalg.lstsq(terms, surface, rcond=None)[0].astype(np.float32)
    ).reshape(grey.shape)


def local_ground(grey: Float32Array, dark: bool) -> Float32Array:
    """The ground that follows shadows and glare: grey closing (dark ink) or opening of a small copy.

    Its kernel is wider than any stroke, so that strokes vanish and what is broader than them stays.
    """
    import cv2

    small = shrink(grey, SURFACE_SIDE)
    size = round(0.4 * max(small.shape)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    ground = cv2.morphologyEx(small, cv2.MORPH_CLOSE if dark else cv2.MORPH_OPEN, kernel)
    size_xy = (grey.shape[1], grey.shape[0])
    return np.asarray(cv2.resize(ground, size_xy, interpolation=cv2.INTER_LINEAR), np.float32)


def ink_of(grey: Float32Array) -> Float32Array:
    """Ink of one thing on its ground, of whichever polarity stands out more.

    Ink is what both grounds agree on: the smooth surface is not fooled by thick strokes and counters, the
    local one not by shadows, glare and paper edges.
    """
    residual = grey - ground_surface(grey)
    dark = np.clip(np.minimum(-residual, local_ground(grey, True) - grey), 0, None)
    light = np.clip(np.minimum(residual, grey - local_ground(grey, False)), 0, None)
    return np.asarray(dark if np.sum(dark**3) >= np.sum(light**3) else light, np.float32)


def peak_and_noise(ink: Float32Array) -> tuple[float, float]:
    """How strong the ink is (grey levels) and the noise of the ground (standard deviation)."""
    import cv2

    top = max(float(ink.max()), 1e-6)
    levels = np.clip(ink * (255 / top), 0, 255).astype(np.uint8)
    cut, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    strong = ink[levels > cut]
    peak = float(np.percentile(strong, 75)) if strong.size else top
    # Of noise cut off at zero, the 84th percentile is one standard deviation.
    return peak, float(np.percentile(ink[levels <= cut], 84))


def mask_of(ink: Float32Array) -> Mask:
    """Where ink is, bool like `ink`: hysteresis between the edge of a stroke and its core.

    All false where there is no contrast that a reader would call ink.
    """
    import cv2

    peak, noise = peak_and_noise(ink)
    if peak < max(FAINTEST, 3 * noise):
        return np.zeros(ink.shape, bool)
    core = max(0.45 * peak, 2.5 * noise)
    edge = min(core, max(0.22 * peak, 2.5 * noise))
    count, parts = cv2.connectedComponents((ink > edge).astype(np.uint8), connectivity=8)
    held = np.zeros(count, bool)
    held[np.unique(parts[ink > core])] = True
    held[0] = False
    return np.asarray(held[parts], bool)
