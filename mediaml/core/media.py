"""What a file is, what its header says, and what its reader counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from mediaml.core.errors import require

ROTATIONS = (0, 90, 180, 270)


class Kind(StrEnum):
    """What a file is read as: an image, a video, or audio."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Facts from a file's header; `None` where it does not say, never guessed.

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
        start_s: when the stream that is read starts on the container's clock, seconds.
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
    start_s: float | None = None

    def __post_init__(self) -> None:
        require(self.rotation in ROTATIONS, f"rotation must be one of {ROTATIONS}, not {self.rotation}")
        for name in ("width", "height", "frame_rate", "sample_rate"):
            value = getattr(self, name)
            require(value is None or value > 0, f"{name} must be positive, not {value}")
        require(self.audio_tracks >= 0, f"audio_tracks must not be negative, not {self.audio_tracks}")


@dataclass(frozen=True, slots=True)
class DecodeAccounts:
    """What a reader counted while reading a file.

    Attributes:
        expected: frames that the header claims; `None` where it does not say.
        decoded: frames decoded.
        corrupt: packets that could not be decoded and were skipped, and frames that the decoder flags as
            damaged.
        gaps: places where the timestamps jump by more than two frame durations or go backwards.
        notes: what a user should know of how the file was read, such as that its levels were scaled.
    """

    expected: int | None = None
    decoded: int = 0
    corrupt: int = 0
    gaps: int = 0
    notes: tuple[str, ...] = ()
