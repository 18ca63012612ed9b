"""The frames of a file that a `Sampling` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from mediaml.core.chooser import Chooser
from mediaml.core.frame import Frame
from mediaml.core.media import Kind, MediaInfo
from mediaml.core.sampling import ALL_FRAMES, Sampling, seconds_text
from mediaml.media.held import held
from mediaml.media.reader import Reader

if TYPE_CHECKING:
    from mediaml.media.video.reader import VideoReader


Step = Callable[[], None]
"""Called for every frame that is looked at, taken or not."""


def no_step() -> None:
    """A `Step` that does nothing."""


def sampling_for(reader: Reader, sampling: Sampling) -> Sampling:
    """What of a sampling applies to a file: to audio the range, to a single image nothing."""
    if reader.info.kind is Kind.AUDIO:
        return sampling.range
    if reader.info.kind is Kind.IMAGE and reader.info.header_frames == 1:
        return ALL_FRAMES
    return sampling


def sampled_frames(
    reader: Reader, sampling: Sampling, since_s: float = 0.0, step: Step = no_step
) -> Iterator[Frame]:
    """The frames that a sampling takes, in order, each lasting until the next; see `mediaml.core.sampling`.

    They have the indices that they have among all frames of the file. In images with several frames every
    frame is a keyframe.

    Args:
        since_s: only those at or after it, seconds: what is taken does not depend on it.
        step: a heartbeat; frames that are passed over count as well.

    Raises:
        MediaError: see `Reader.frames`.
    """
    chosen = sampling_for(reader, sampling).chosen
    if chosen == ALL_FRAMES:
        yield from reader.frames(since_s)
    elif chosen.scenes:
        from mediaml.media.shots import shot_frames

        start_s = since_s if is_live(reader) else float(chosen.start_s or 0)
        yield from shot_frames(_stepped(reader.frames(start_s), step), chosen, since_s)
    elif reader.info.kind is Kind.VIDEO:
        from mediaml.media.video.sampled_video import sampled_video

        yield from sampled_video(cast("VideoReader", reader), chosen, since_s, step)
    elif reader.info.kind is Kind.AUDIO:
        yield from _in_range(reader, chosen, since_s)
    else:
        frames = ((frame, True) for frame in _stepped(reader.frames(), step))
        yield from held(frames, Chooser(chosen), since_s)


def is_live(reader: Reader) -> bool:
    """Whether a reader goes on from now, wherever it is told to begin."""
    return bool(getattr(reader, "is_live", False))


def nothing_in_range(sampling: Sampling, info: MediaInfo) -> str:
    """One sentence that says that a file has no frame in a range."""
    what = "audio" if info.kind is Kind.AUDIO else "frame"
    start = f"from {seconds_text(sampling.start_s or Fraction(0))} s"
    end = " on" if sampling.end_s is None else f" to {seconds_text(sampling.end_s)} s"
    lasts = "" if info.duration_s is None else f"; it lasts {info.duration_s:.3f} s"
    return f"it has no {what} {start}{end}{lasts}"


def _stepped(frames: Iterator[Frame], step: Step) -> Iterator[Frame]:
    for frame in frames:
        step()
        yield frame


def _in_range(reader: Reader, sampling: Sampling, since_s: float) -> Iterator[Frame]:
    """The windows of audio that begin in a range; they overlap, so each keeps its duration."""
    chooser = Chooser(sampling)
    for frame in reader.frames(since_s if is_live(reader) else max(since_s, chooser.begins_s)):
        if chooser.is_past(frame.time_s):
            return
        if chooser.takes(frame.index, frame.time_s):
            yield frame
