"""The nouns of mediaml: frozen records that say their units and refuse nonsense at birth.

A reader yields `Frame`s of one `MediaInfo`; a model answers each frame with one `Prediction`; a `Task` is
the unit of work and a `TaskResult` what came of it. Boxes are always in displayed source pixels: origin at
the top left corner of the picture as a person sees it, x to the right, y down, edges at pixel borders.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
Float32Array = NDArray[np.float32]
Fit = Literal["stretch", "letterbox", "crop"]
Resample = Literal["bilinear", "bicubic"]
Array = NDArray[Any]

ROTATIONS = (0, 90, 180, 270)


class Kind(StrEnum):
    """What a file is to a reader: a still picture, moving pictures, or sound."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


def require(condition: bool, what: str) -> None:
    """Refuse nonsense at birth: raise `ValueError(what)` unless the condition holds."""
    if not condition:
        raise ValueError(what)


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file says of itself; `None` where it does not say, never guessed.

    Attributes:
        path: the file, as it was named.
        kind: what the file is read as.
        width, height: pixels as displayed, after rotation and sample aspect ratio.
        rotation: clockwise degrees from stored to displayed picture: 0, 90, 180 or 270.
        frame_rate: frames per second on average, from the header.
        duration_s: seconds, from the header.
        sample_rate: Hz of the first audio track.
        audio_tracks: number of audio streams.
        header_frames: number of frames that the header claims; a hint, not a count.
        container, codec: FFmpeg's short names, such as `mov` and `h264`, of the stream that is read.
    """

    path: str
    kind: Kind
    width: int | None = None
    height: int | None = None
    rotation: int = 0
    frame_rate: Fraction | None = None
    duration_s: float | None = None
    sample_rate: int | None = None
    audio_tracks: int = 0
    header_frames: int | None = None
    container: str | None = None
    codec: str | None = None

    def __post_init__(self) -> None:
        require(self.rotation in ROTATIONS, f"rotation must be one of {ROTATIONS}, not {self.rotation}")
        for name in ("width", "height", "frame_rate", "sample_rate"):
            value = getattr(self, name)
            require(value is None or value > 0, f"{name} must be positive, not {value}")
        require(self.audio_tracks >= 0, f"audio_tracks must not be negative, not {self.audio_tracks}")


class Pixels(Protocol):
    """The pixels behind a frame, made on demand so that nobody pays for a copy that nobody uses."""

    def image(self) -> UInt8Array:
        """The displayed picture: uint8 RGB, height x width x 3."""

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """The displayed picture fitted to height x width x 3 uint8 RGB; see `Frame.fitted`."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture on a file's timeline: a photo, a video frame, or one window of sound as a spectrogram.

    Attributes:
        index: position among the frames that the reader yields from the file, from 0.
        time_s: seconds from the start of the stream (PTS x time base - stream start).
        duration_s: seconds that the frame is shown, or the length of the sound window; 0 for a photo.
        media: the file it came from.
        width, height: pixels as displayed.
        pixels: where the pixels come from.
        spectrogram: for sound, log-mel values, float32 [mels, steps]; `None` for pictures.
    """

    index: int
    time_s: float
    duration_s: float
    media: MediaInfo
    width: int
    height: int
    pixels: Pixels = field(repr=False)
    spectrogram: Float32Array | None = field(default=None, repr=False)

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
        """The displayed picture: uint8 RGB, height x width x 3. Made anew on every access."""
        return self.pixels.image()

    def fitted(
        self,
        width: int,
        height: int,
        fit: Fit = "letterbox",
        *,
        pad: int = 114,
        resample: Resample = "bilinear",
    ) -> UInt8Array:
        """The displayed picture at a model's input size, without a full-size copy where the decoder can.

        Args:
            width, height: pixels of the result.
            fit: `stretch` ignores the aspect ratio; `letterbox` keeps it, centred, with `pad` around;
                `crop` scales the shortest side and cuts the centre.
            pad: grey level 0..255 of the letterbox bars.
            resample: filter; both are antialiased when shrinking.

        Returns:
            uint8 RGB, height x width x 3. `mediaml.ops.fitting.Fitting.of` gives the matching geometry.
        """
        return self.pixels.fitted(width, height, fit, pad=pad, resample=resample)


@dataclass(frozen=True, slots=True)
class Label:
    """A name and how sure the model is of it, 0..1."""

    name: str
    score: float

    def __post_init__(self) -> None:
        require(0.0 <= self.score <= 1.0, f"score of {self.name!r} must lie in 0..1, not {self.score}")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in displayed source pixels: left <= right, top <= bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        require(all(map(math.isfinite, self.corners)), f"box must be finite, not {self.corners}")
        require(
            self.left <= self.right and self.top <= self.bottom,
            f"box must have left <= right and top <= bottom, not {self.corners}",
        )

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom."""
        return (self.left, self.top, self.right, self.bottom)


@dataclass(frozen=True, slots=True)
class Detection:
    """A labelled box; `track` numbers the object across frames where a model follows objects."""

    label: Label
    box: Box
    track: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A feature vector: float32 [dimensions]."""

    vector: Float32Array = field(repr=False)

    def __post_init__(self) -> None:
        require(self.vector.ndim == 1, f"an embedding has one axis, not shape {self.vector.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image with which an image model answers: uint8 RGB, height x width x 3."""

    image: UInt8Array = field(repr=False)

    def __post_init__(self) -> None:
        require(
            self.image.dtype == np.uint8 and self.image.ndim == 3 and self.image.shape[2] == 3,
            f"a picture is uint8 [height, width, 3], not {self.image.dtype} {self.image.shape}",
        )


Answer = Label | Detection | Embedding | Picture


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model said of one frame. Nothing found is empty; a failure is never a prediction."""

    labels: tuple[Label, ...] = ()
    detections: tuple[Detection, ...] = ()
    embedding: Embedding | None = None
    picture: Picture | None = None

    @classmethod
    def of(cls, answer: Prediction | Answer | Iterable[Answer]) -> Prediction:
        """Sort what a plugin returned for one frame into a prediction.

        Raises:
            TypeError: something is neither a label, detection, embedding nor picture.
        """
        if isinstance(answer, Prediction):
            return answer
        items = (answer,) if isinstance(answer, Answer) else tuple(answer)
        for item in items:
            if not isinstance(item, Answer):
                raise TypeError(
                    f"a model answers with labels, detections, embeddings or pictures, not {item!r}"
                )
        embeddings = [item for item in items if isinstance(item, Embedding)]
        pictures = [item for item in items if isinstance(item, Picture)]
        if len(embeddings) > 1 or len(pictures) > 1:
            raise TypeError("a model answers a frame with one embedding and one picture at most")
        return cls(
            labels=tuple(item for item in items if isinstance(item, Label)),
            detections=tuple(item for item in items if isinstance(item, Detection)),
            embedding=embeddings[0] if embeddings else None,
            picture=pictures[0] if pictures else None,
        )


@dataclass(frozen=True, slots=True)
class DecodeAccounts:
    """What a reader met on its way through a file.

    Attributes:
        expected: frames that the header claims; `None` where it does not say.
        decoded: frames that came out.
        corrupt: packets or frames that could not be decoded and were skipped.
        gaps: places where the timestamps jump by more than two frame durations or go backwards.
    """

    expected: int | None = None
    decoded: int = 0
    corrupt: int = 0
    gaps: int = 0
