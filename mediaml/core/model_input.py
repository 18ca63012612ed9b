"""How models take images: fitted and normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mediaml.core.errors import require
from mediaml.core.frame import Fit, Resample


@dataclass(frozen=True, slots=True)
class ImageInput:
    """How a model takes an image.

    Attributes:
        width, height: pixels.
        fit: see `Frame.fitted`.
        layout: `NCHW` or `NHWC`, the order of the batch's axes.
        dtype: `uint8` passes pixels 0..255 on; `float32` passes (pixel x scale - mean) / std.
        color: `RGB`, `BGR` or `GRAY` (ITU-R BT.601 luma, one channel).
        scale, mean, std: of the normalisation; `mean` and `std` per channel, after scaling.
        pad: grey level of letterbox bars, 0..255.
        resample: filter of the resize.
    """

    width: int
    height: int
    fit: Fit = "stretch"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    dtype: Literal["uint8", "float32"] = "float32"
    color: Literal["RGB", "BGR", "GRAY"] = "RGB"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    pad: int = 114
    resample: Resample = "bilinear"

    def __post_init__(self) -> None:
        require(
            self.width > 0 and self.height > 0,
            f"size must be positive, not {self.width}x{self.height}",
        )
        require(all(value > 0 for value in self.std), f"std must be positive, not {self.std}")
