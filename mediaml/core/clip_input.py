"""How models take clips: several frames of a video at once, with one answer for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mediaml.core.errors import require
from mediaml.core.model_input import ImageInput
from mediaml.core.slices import SLICE_S, slice_of

ClipLayout = Literal["CTHW", "TCHW", "THWC"]
LastClip = Literal["pad", "drop"]

CLIP_TOLERANCE_S = 0.001
"""Containers round times, Matroska and FLV to milliseconds: a frame that begins so little too late counts."""


@dataclass(frozen=True, slots=True)
class ClipInput:
    """How a model takes a clip: a number of frames of a video, by time or counted.

    By time, clip k begins `k * hop_s` seconds after the start of the file, as the windows of an `AudioInput`
    of the same hop do, and its frames are those shown at its start and every `every_s` seconds after, so that
    a clip is as long at any frame rate, also a variable one. Counted, clip k begins with frame `k * hop`.

    Attributes:
        image: how each frame is fitted and normalised; its `layout` has no meaning here.
        frames: number of frames in a clip.
        every_s: seconds from one frame of a clip to the next; `None` counts frames instead.
        hop_s: with `every_s`, seconds between the starts of two clips; `None` for the length of a clip.
        stride: counted, from one frame of a clip to the next: 1 for every frame.
        hop: counted, frames between the starts of two clips; `None` for the length of a clip.
        last: what becomes of a last clip that the end of the file cuts off: `pad` repeats the last frame,
            where half of `every_s` or, counted, a frame is in no clip yet; `drop` leaves the clip out. A file
            of one frame is always one clip, of that frame repeated.
        layout: of the sample, by its axes: frames T, channels C, height H, width W.

    Raises:
        ValueError: a number is not positive, or by time and counted are mixed.
    """

    image: ImageInput
    frames: int = 16
    every_s: float | None = None
    hop_s: float | None = None
    stride: int = 1
    hop: int | None = None
    last: LastClip = "pad"
    layout: ClipLayout = "CTHW"

    def __post_init__(self) -> None:
        for name in ("frames", "every_s", "hop_s", "stride", "hop"):
            value = getattr(self, name)
            require(value is None or value > 0, f"{name} must be positive, not {value}")
        counted = self.stride != 1 or self.hop is not None
        require(
            self.every_s is None or not counted, "stride and hop count frames: leave them out beside every_s"
        )
        require(self.hop_s is None or self.every_s is not None, "hop_s needs every_s")

    @property
    def length_s(self) -> float | None:
        """Seconds that a clip lasts; `None` where frames are counted."""
        return None if self.every_s is None else self.frames * self.every_s

    @property
    def step_s(self) -> float | None:
        """Seconds between the starts of two clips; `None` where frames are counted."""
        return self.length_s if self.hop_s is None else self.hop_s

    @property
    def length(self) -> int:
        """Frames of the video that a counted clip lasts."""
        return self.frames * self.stride

    @property
    def step(self) -> int:
        """Frames of the video between the starts of two counted clips."""
        return self.length if self.hop is None else self.hop

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of one sample, without the batch axis."""
        sizes = {
            "T": self.frames,
            "C": 1 if self.image.color == "GRAY" else 3,
            "H": self.image.height,
            "W": self.image.width,
        }
        first, second, third, fourth = (sizes[axis] for axis in self.layout)
        return first, second, third, fourth

    @property
    def each(self) -> ImageInput:
        """How one frame becomes a part of the sample: channels first or last as in `layout`."""
        return replace(self.image, layout="NHWC" if self.layout == "THWC" else "NCHW")


@dataclass(frozen=True, slots=True)
class ClipRange:
    """Which clips of a file are wanted, for a reading that goes on where another ended.

    Attributes:
        number: of the first clip wanted; so many are before it.
        since_s: when the clip before it began, seconds; `None` where there is none.
        first_slice, end_slice: the time slices that wanted clips begin in; `None` for all to the end.
        slice_s: length of a time slice, seconds.
    """

    number: int = 0
    since_s: float | None = None
    first_slice: int = 0
    end_slice: int | None = None
    slice_s: float = SLICE_S

    def is_before_end(self, start_s: float) -> bool:
        """Whether a clip that begins then is not behind those wanted."""
        return self.end_slice is None or slice_of(start_s, self.slice_s) < self.end_slice


ALL_CLIPS = ClipRange()
