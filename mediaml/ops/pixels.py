"""Pixels to a model's input values."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from mediaml.core.arrays import Array, Float32Array, UInt8Array
from mediaml.core.clip_input import ClipInput
from mediaml.core.errors import require
from mediaml.core.model_input import ImageInput


def grey(image: UInt8Array) -> UInt8Array:
    """Luma of a uint8 RGB image [H, W, 3], ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B): uint8 [H, W]."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY), dtype=np.uint8)


@lru_cache(maxsize=16)
def _tables(
    scale: float, mean: tuple[float, ...], std: tuple[float, ...], channels: int
) -> tuple[Float32Array, ...]:
    """The normalised value of each of the 256 levels, one float32 [256] per channel."""
    fits = all(len(values) in (1, channels) for values in (mean, std))
    require(fits, f"mean and std need 1 or {channels} values, not {len(mean)} and {len(std)}")
    levels = np.arange(256, dtype=np.float64)[:, None] * scale
    values = np.broadcast_to((levels - np.array(mean)) / np.array(std), (256, channels))
    return tuple(np.ascontiguousarray(column, dtype=np.float32) for column in values.T)


def _channels(image: UInt8Array, color: str) -> UInt8Array:
    if color == "GRAY":
        return grey(image)[:, :, None]
    return image[:, :, ::-1] if color == "BGR" else image


def normalise(image: UInt8Array, spec: ImageInput) -> Array:
    """One sample as the model wants it, without the batch axis.

    Args:
        image: uint8 RGB [H, W, 3], already fitted.
        spec: its `color`, `layout` and `dtype`, and for float32 `scale`, `mean` and `std`:
            (pixel x scale - mean) / std, the mean and std in the order of the model's channels.

    Returns:
        C-contiguous [C, H, W] for `NCHW` or [H, W, C] for `NHWC`, uint8 or float32; C is 1 for `GRAY`.

    Raises:
        ValueError: the image is not [H, W, 3], or `mean` or `std` do not fit the channels.
    """
    require(image.ndim == 3 and image.shape[2] == 3, f"an image is [H, W, 3], not {image.shape}")
    pixels = _channels(image, spec.color)
    if spec.dtype == "uint8":
        return np.ascontiguousarray(pixels.transpose(2, 0, 1) if spec.layout == "NCHW" else pixels)
    height, width, channels = pixels.shape
    planar = spec.layout == "NCHW"
    sample = np.empty((channels, height, width) if planar else pixels.shape, dtype=np.float32)
    for channel, table in enumerate(_tables(spec.scale, spec.mean, spec.std, channels)):
        target = sample[channel] if planar else sample[:, :, channel]
        target[...] = table[pixels[:, :, channel]]
    return sample


def normalise_clip(clip: UInt8Array, spec: ClipInput) -> Array:
    """One clip as the model wants it, without the batch axis.

    Args:
        clip: uint8 RGB [T, H, W, 3], its frames already fitted.
        spec: see `normalise` for its `image`.

    Returns:
        [C, T, H, W], [T, C, H, W] or [T, H, W, C], as `layout` says; uint8 or float32, C-contiguous.

    Raises:
        ValueError: the clip is not [T, H, W, 3], or `mean` or `std` do not fit the channels.
    """
    require(clip.ndim == 4, f"a clip is [T, H, W, 3], not {clip.shape}")
    each = spec.each
    return np.stack([normalise(image, each) for image in clip], axis=1 if spec.layout == "CTHW" else 0)
