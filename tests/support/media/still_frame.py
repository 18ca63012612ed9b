"""A frame of an array, for the tests of models that look at images."""

from __future__ import annotations

import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.media import Kind, MediaInfo
from mediaml.ops.fitting import fit_image


class ArrayPixels:
    """Pixels of an array: uint8 RGB [height, width, 3]."""

    def __init__(self, image: UInt8Array) -> None:
        self.pixels = image

    def image(self) -> UInt8Array:
        return self.pixels

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        return fit_image(self.pixels, width, height, fit, pad=pad, resample=resample)


def still(image: UInt8Array) -> Frame:
    """The one frame of a grey [height, width] or RGB [height, width, 3] image."""
    rgb = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    height, width = image.shape[:2]
    return Frame(0, 0.0, 0.0, MediaInfo("still.png", Kind.IMAGE), width, height, ArrayPixels(rgb))
