"""One image on a file's timeline, with its pixels made on demand."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.errors import require
from mediaml.core.media import MediaInfo

Fit = Literal["stretch", "letterbox", "letterbox-top-left", "crop"]
Resample = Literal["bilinear", "bicubic", "opencv-linear"]


class Pixels(Protocol):
    """The pixels of a frame, made on demand to avoid unused copies."""

    def image(self) -> UInt8Array:
        """The displayed image: uint8 RGB, height x width x 3."""

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """The displayed image fitted to height x width x 3 uint8 RGB; see `Frame.fitted`."""


class ReleasedPixels:
    """Stands for the pixels of a frame that were let go; see `Frame.without_pixels`."""

    def image(self) -> UInt8Array:
        """Raises `ValueError`."""
        raise ValueError("the pixels of this frame were released; set `decodes_pixels = True` to keep them")

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """Raises `ValueError`."""
        return self.image()


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What a model answers: a photo, a video frame, a clip of several, or one window of audio.

    Attributes:
        index: position among the frames that the reader yields from the file, from 0.
        time_s: seconds on the container's clock: PTS x time base, less the start time of the container;
            all streams of a file share it.
        duration_s: seconds that the frame is shown, or the length of the audio window or clip; 0 for a photo.
        media: the file it came from.
        width, height: pixels as displayed.
        pixels: where the pixels come from.
        samples: for audio, the window at the model's rate, mono, float32 [window_samples] in -1..1, zeros
            behind the end of the audio; `None` for images.
        spectrogram: for audio, log-mel values, float32 [mels, steps]; `None` for images, and where the model
            takes the waveform.
        track: number of the audio track, from 1, where all of a file are read; else `None`.
        scale: displayed pixels of the file for each of this frame, across and down: more than 1 where an
            image was too large to be decoded as a whole. Boxes that a model answers with are scaled by it.
        clip: for models that take clips, their frames, fitted as `ClipInput.image` says: uint8 RGB
            [T, H, W, 3]; `None` for others. `width` and `height` are those of the first frame in the file.
    """

    index: int
    time_s: float
    duration_s: float
    media: MediaInfo
    width: int
    height: int
    pixels: Pixels = field(repr=False)
    samples: Float32Array | None = field(default=None, repr=False)
    spectrogram: Float32Array | None = field(default=None, repr=False)
    track: int | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    clip: UInt8Array | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        require(self.index >= 0, f"index must not be negative, not {self.index}")
        require(math.isfinite(self.time_s), f"time_s must be finite, not {self.time_s}")
        require(
            math.isfinite(self.duration_s) and self.duration_s >= 0,
            f"duration_s must be finite and not negative, not {self.duration_s}",
        )
        require(
            self.width > 0 and self.height > 0,
            f"size must be positive, not {self.width}x{self.height}",
        )

    @property
    def image(self) -> UInt8Array:
        """The displayed image: uint8 RGB, height x width x 3. Made on every access."""
        return self.pixels.image()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the frame keeps alive: what was decoded, not what is made of it on demand."""
        arrays = sum(array.nbytes for array in (self.spectrogram, self.clip) if array is not None)
        return int(getattr(self.pixels, "nbytes", 0)) + arrays

    def without_pixels(self) -> Frame:
        """The same frame when its pixels are no longer needed: its times and sizes."""
        return replace(self, pixels=ReleasedPixels(), clip=None)

    def fitted(
        self,
        width: int,
        height: int,
        fit: Fit = "letterbox",
        *,
        pad: int = 114,
        resample: Resample = "bilinear",
    ) -> UInt8Array:
        """The displayed image at a model's input size, without a full-size copy where the decoder can.

        Args:
            width, height: pixels of the result.
            fit: `stretch` ignores the aspect ratio; `letterbox` keeps it, centred, with `pad` around;
                `letterbox-top-left` keeps it, with `pad` right and below; `crop` scales the shortest side
                and cuts the centre.
            pad: grey level 0..255 of the letterbox bars.
            resample: filter; `bilinear` and `bicubic` are antialiased when shrinking, `opencv-linear` is not:
                it equals OpenCV's `INTER_LINEAR`, with which most YOLO networks were trained.

        Returns:
            uint8 RGB, height x width x 3. `mediaml.ops.fitting.Fitting.of` gives the matching geometry.
        """
        return self.pixels.fitted(width, height, fit, pad=pad, resample=resample)
