"""How many frames of a file a sampling takes, without decoding videos."""

from __future__ import annotations

from dataclasses import dataclass

from mediaml.core.location import Location, Url
from mediaml.core.media import Kind
from mediaml.core.sampling import Sampling
from mediaml.core.text import counted
from mediaml.media.limits import Limits
from mediaml.media.loading import load_av
from mediaml.media.reader import open_reader
from mediaml.media.sampled import sampled_frames
from mediaml.media.sniff import sniff_kind


@dataclass(frozen=True, slots=True)
class SampleCount:
    """How many frames are taken.

    Attributes:
        taken: `None` where only decoding tells.
        of: number of frames in the file; `None` where it is not known.
        sought: whether others need not all be decoded.
        reason: why it is not known; else empty.
    """

    taken: int | None
    of: int | None
    sought: bool = False
    reason: str = ""

    def __str__(self) -> str:
        if self.taken is None:
            return f"not known before it is decoded: {self.reason}"
        of = "" if self.of is None else f" of {self.of}"
        return f"{counted(self.taken, 'frame')}{of}{', not all of them decoded' if self.sought else ''}"


def count_samples(path: Location, sampling: Sampling, limits: Limits) -> SampleCount:
    """Count the frames of an image or video that are looked at.

    Raises:
        MediaError: it cannot be read.
    """
    if isinstance(path, Url):
        return SampleCount(None, None, reason="it is a URL")
    kind = sniff_kind(path, limits)
    if kind is None or kind is Kind.AUDIO:
        return SampleCount(None, None, reason="it is not an image or video")
    if kind is Kind.VIDEO:
        return _of_video(path, sampling, limits)
    with open_reader(path, kind, limits=limits) as reader:
        taken = sum(1 for _ in sampled_frames(reader, sampling))
        return SampleCount(taken, reader.info.header_frames)


def _of_video(path: Location, sampling: Sampling, limits: Limits) -> SampleCount:
    load_av()
    from mediaml.media.video.reader import VideoReader
    from mediaml.media.video.sampled_video import plan_samples

    with VideoReader(path, limits=limits) as reader:
        table = reader.packets()
        if table is None:
            return SampleCount(None, reader.info.header_frames, reason="its packets do not tell its frames")
        if sampling.scenes:
            return SampleCount(None, len(table), reason="shots show in the pictures")
        plan = plan_samples(table, sampling, reader.info.codec or "")
        return SampleCount(len(plan.ranks), len(table), plan.runs is not None)
