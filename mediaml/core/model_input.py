"""How models take their input: images fitted and normalised, or audio as log-mel spectrograms."""

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


@dataclass(frozen=True, slots=True)
class SoundInput:
    """How a model takes audio: mono, resampled, cut in overlapping windows, as log-mel spectrograms.

    Attributes:
        sample_rate: Hz after resampling.
        window_s, hop_s: seconds of audio in a frame, and between the starts of two frames.
        fft_s, step_s: seconds of the Hann window of one spectrum, and between two spectra.
        mels: number of mel bands.
        band: lowest and highest frequency, Hz.
    """

    sample_rate: int = 16_000
    window_s: float = 1.0
    hop_s: float = 0.5
    fft_s: float = 0.025
    step_s: float = 0.010
    mels: int = 64
    band: tuple[float, float] = (20.0, 8_000.0)

    def __post_init__(self) -> None:
        require(self.sample_rate > 0, f"sample_rate must be positive, not {self.sample_rate}")
        require(self.hop_s > 0, f"hop_s must be positive, not {self.hop_s}")
        require(0 < self.step_s <= self.fft_s <= self.window_s, "need 0 < step_s <= fft_s <= window_s")
        require(self.mels > 0, f"mels must be positive, not {self.mels}")
        low, high = self.band
        require(
            0 <= low < high <= self.sample_rate / 2,
            f"band must be within 0..{self.sample_rate / 2} Hz",
        )

    @property
    def window_samples(self) -> int:
        """Samples in one frame's window."""
        return round(self.window_s * self.sample_rate)

    @property
    def hop_samples(self) -> int:
        """Samples between the starts of two frames."""
        return max(1, round(self.hop_s * self.sample_rate))

    @property
    def fft_samples(self) -> int:
        """Samples in the Hann window of one spectrum."""
        return round(self.fft_s * self.sample_rate)

    @property
    def step_samples(self) -> int:
        """Samples between two spectra."""
        return max(1, round(self.step_s * self.sample_rate))

    @property
    def steps(self) -> int:
        """Spectra in one window, none of them reaching over its edges."""
        return 1 + (self.window_samples - self.fft_samples) // self.step_samples
