"""Frames that were chosen among others: each is held until the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mediaml.core.chooser import Chooser
from mediaml.core.frame import Frame


class Holder:
    """Gives frames their durations: each is known when the next frame is chosen."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._last: Frame | None = None

    def look(self, frame: Frame) -> None:
        """Note a frame of the range, chosen or not."""
        self._last = frame

    def choose(self, frame: Frame) -> Iterator[Frame]:
        """Take a frame; yields the one chosen before, if any."""
        yield from self._until(frame.time_s, frame.index)
        self._frame = frame

    def end(self, following: Frame | None = None) -> Iterator[Frame]:
        """Yield the last one, which is held until the end of the range.

        Args:
            following: the first frame behind the range; `None` at the end of the file.
        """
        last = self._last
        if following is not None:
            yield from self._until(following.time_s, following.index)
        elif last is not None and self._frame is not None:
            yield from self._until(last.time_s + last.duration_s, last.index + 1)
        self._frame = None

    def _until(self, end_s: float, index: int) -> Iterator[Frame]:
        frame = self._frame
        if frame is None:
            return
        # Between neighbours the reader's own duration is exact.
        yield frame if index <= frame.index + 1 else replace(frame, duration_s=max(0.0, end_s - frame.time_s))


def held(frames: Iterable[tuple[Frame, bool]], chooser: Chooser, since_s: float) -> Iterator[Frame]:
    """The frames that a chooser takes, each held until the next.

    Args:
        frames: in order, and whether each is a keyframe.
        since_s: frames before it are left out.
    """
    holder = Holder()
    for frame, key in frames:
        if chooser.is_past(frame.time_s):
            yield from _since(holder.end(frame), since_s)
            return
        holder.look(frame)
        if chooser.takes(frame.index, frame.time_s, key=key):
            yield from _since(holder.choose(frame), since_s)
    yield from _since(holder.end(), since_s)


def _since(frames: Iterator[Frame], since_s: float) -> Iterator[Frame]:
    return (frame for frame in frames if frame.time_s >= since_s or since_s <= 0)
