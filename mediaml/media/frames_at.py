"""Frames of an image or video at given times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from mediaml.core.frame import Frame
from mediaml.media.reader import Reader

SLACK_S = 0.0005
"""By how much a frame's time may differ from the one that is asked for: less than any frame lasts."""
# Frames nearer than this are reached by decoding on, not by another seek.
_NEAR_S = 2.0


def frames_at(
    reader: Reader,
    times_s: Sequence[float],
    step: Callable[[], None] = lambda: None,
    *,
    later_s: Sequence[float] = (),
) -> Iterator[Frame | None]:
    """The frame at each time, `None` where there is none.

    Args:
        reader: of an image or video.
        times_s: ascending, seconds.
        step: called for every time that was sought and every frame that was passed on the way.
        later_s: of each time, by how much the frame may begin later; nothing where it is empty.

    Raises:
        MediaError: see `Reader.frames`.
    """
    frames: Iterator[Frame] = iter(())
    frame: Frame | None = None
    at_s = -2 * _NEAR_S
    for time_s, slack_s in zip_longest(times_s, later_s, fillvalue=0.0):
        if time_s - at_s > _NEAR_S:
            frames = iter(reader.frames(max(0.0, time_s - SLACK_S)))
            frame = next(frames, None)
        step()
        while frame is not None and frame.time_s < time_s - SLACK_S:
            frame = next(frames, None)
            step()
        at_s = time_s
        yield frame if frame is not None and frame.time_s <= time_s + slack_s + SLACK_S else None
