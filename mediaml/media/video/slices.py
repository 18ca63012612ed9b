"""A video's frames, time slice by time slice, in one pass wherever slices are asked for in order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager

from mediaml.core.frame import Frame
from mediaml.core.location import Location
from mediaml.core.slices import slice_of
from mediaml.media.limits import Limits
from mediaml.media.video.reader import VideoReader
from mediaml.media.write.layout import Layout


class VideoSlices(AbstractContextManager["VideoSlices"]):
    """Reads a video in slices of equal length; belongs to one thread.

    Args:
        path: the source.
        limits: the limits on it.
        slice_s: length of a slice, seconds of the source's time; infinite, all of it is slice 0.
        from_rgb: see `Layout.of`. size: see `Layout.sized`.

    Attributes:
        layout: of the annotated copy.
        sought: whether the pass under way began at a keyframe in the middle. Where a file is damaged, such a
            pass may see other frames than one from the start.

    Raises:
        MediaError: see `open_reader`.
    """

    def __init__(
        self,
        path: Location,
        limits: Limits,
        *,
        slice_s: float,
        from_rgb: bool,
        size: tuple[int, int] | None = None,
    ) -> None:
        self._reader = VideoReader(path, limits=limits)
        self._slice_s = slice_s
        self.sought = False
        self._frames: Iterator[Frame] | None = None
        self._waiting: Frame | None = None
        self._passed = 0
        try:
            self.layout = Layout.of(self._reader.beginning(), from_rgb=from_rgb).sized(size)
        except BaseException:
            self._reader.close()
            raise

    def number_of(self, frame: Frame) -> int:
        """The slice that a frame belongs to."""
        return slice_of(frame.time_s, self._slice_s)

    def frames(self, number: int, *, from_start: bool = False) -> Iterator[Frame]:
        """The frames of a slice, maybe none. `following` is known when they have been taken.

        Args:
            number: of the slice, from 0.
            from_start: reach the slice by decoding from the start of the file, not by seeking.

        Raises:
            MediaError: see `Reader.frames`.
        """
        if not self._is_next(number, from_start):
            self._begin(number, from_start)
        self._passed = number + 1
        while (frame := self._peek()) is not None and self.number_of(frame) <= number:
            self._waiting = None
            if self.number_of(frame) == number:
                yield frame

    @property
    def following(self) -> int | None:
        """Number of the slice that the next frame belongs to; `None` after the last one."""
        frame = self._peek()
        return None if frame is None else self.number_of(frame)

    def _is_next(self, number: int, from_start: bool) -> bool:
        """Whether the pass under way comes to a slice by itself."""
        if self._frames is None or number < self._passed:
            return False
        if from_start:
            return not self.sought
        following = self.following
        return following is None or following >= number

    def _begin(self, number: int, from_start: bool) -> None:
        self._waiting = None
        self.sought = number > 0 and not from_start
        start_s = math.nextafter(number * self._slice_s, 0.0) if self.sought else 0.0
        self._frames = self._reader.frames(start_s, numbered=not self.sought)

    def _peek(self) -> Frame | None:
        if self._waiting is None and self._frames is not None:
            self._waiting = next(self._frames, None)
        return self._waiting

    def close(self) -> None:
        """Let go of the file."""
        self._frames = self._waiting = None
        self._reader.close()

    def __exit__(self, *_: object) -> None:
        self.close()
