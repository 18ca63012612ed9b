"""Cuts clips: each frame that one needs is fitted once, and let go when none needs it any more."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.clip_input import CLIP_TOLERANCE_S, ClipInput, ClipRange
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.slices import slice_of


class ClipPixels:
    """Stands for the pixels of a clip, which has no single image."""

    def image(self) -> UInt8Array:
        """Raises `ValueError`."""
        raise ValueError("a clip is no single image; its frames are in `frame.clip`")

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """Raises `ValueError`."""
        return self.image()


class _Fitted:
    """A frame, fitted when that is first asked for."""

    def __init__(self, frame: Frame, spec: ClipInput) -> None:
        self.frame = frame
        self._spec = spec.image
        self._image: UInt8Array | None = None

    def image(self) -> UInt8Array:
        if self._image is None:
            want = self._spec
            self._image = self.frame.fitted(
                want.width, want.height, want.fit, pad=want.pad, resample=want.resample
            )
        return self._image


@dataclass(slots=True)
class _Open:
    """A clip that is not complete yet.

    Attributes:
        number: of the clip. start_s: its time. start: the number of its first frame, where they are counted.
        first: its first frame, without pixels. images: of its frames so far.
    """

    number: int
    start_s: float
    first: Frame
    start: int = 0
    images: list[UInt8Array] = field(default_factory=list)

    def clip(self, duration_s: float) -> Frame:
        first = self.first
        return Frame(
            self.number,
            self.start_s,
            duration_s,
            first.media,
            first.width,
            first.height,
            ClipPixels(),
            scale=first.scale,
            clip=np.stack(self.images),
        )

    def filled_up(self, last: _Fitted, frames: int, end_s: float) -> Frame:
        """The clip with its last frame repeated, up to the end of the file."""
        self.images += [last.image()] * (frames - len(self.images))
        return self.clip(end_s - self.start_s)


class _Cutter:
    """What cutting by time and by count have in common."""

    def __init__(self, spec: ClipInput, wanted: ClipRange) -> None:
        self._spec, self._wanted = spec, wanted
        self._open: deque[_Open] = deque()
        self._last: _Fitted | None = None
        self._seen = 0
        self._made = wanted.number > 0

    def _begin(self, number: int, start_s: float, shown: _Fitted, start: int = 0) -> _Open:
        return _Open(number, start_s, shown.frame.without_pixels(), start)

    def _is_full(self, one: _Open) -> bool:
        return len(one.images) == self._spec.frames

    def _single(self) -> Iterator[Frame]:
        """The clip of a file of one frame that has none by the rules, as it lasts no time or is cut off."""
        last = self._last
        if last is not None and self._seen == 1 and not (self._made or self._wanted.first_slice):
            frame = last.frame
            one = self._begin(0, frame.time_s, last)
            yield one.filled_up(last, self._spec.frames, frame.time_s + frame.duration_s)


class ByTime(_Cutter):
    """Clips on a grid of seconds; an instant belongs to the last frame that began before it."""

    def __init__(self, spec: ClipInput, wanted: ClipRange) -> None:
        super().__init__(spec, wanted)
        assert spec.every_s is not None and spec.length_s is not None and spec.step_s is not None
        self._every_s, self._length_s, self._step_s = spec.every_s, spec.length_s, spec.step_s
        self._place = self._first_place()
        self._number = wanted.number
        before_s = (self._place - 1) * self._step_s
        self._covered_s = before_s + self._length_s if wanted.number else -math.inf

    def _first_place(self) -> int:
        """The first place on the grid that lies in the first slice wanted."""
        first, slice_s = self._wanted.first_slice, self._wanted.slice_s
        place = max(0, int(first * slice_s / self._step_s) - 1)
        while slice_of(place * self._step_s, slice_s) < first:
            place += 1
        return place

    @property
    def from_s(self) -> float | None:
        """See `Clipper`."""
        return self._place * self._step_s if self._wanted.first_slice else None

    @property
    def is_done(self) -> bool:
        """See `Clipper`."""
        return not self._open and not self._wanted.is_before_end(self._place * self._step_s)

    def add(self, frame: Frame) -> Iterator[Frame]:
        """See `Clipper`."""
        now, bound_s = _Fitted(frame, self._spec), frame.time_s - CLIP_TOLERANCE_S
        self._seen += 1
        if self._last is None:
            # Nothing is shown before the first frame: clips that end before it are left out.
            while self._place * self._step_s + self._length_s <= bound_s:
                self._place += 1
        yield from self._until(bound_s, self._last or now)
        self._last = now

    def _until(self, bound_s: float, shown: _Fitted) -> Iterator[Frame]:
        """Give a frame to all instants before a bound that have none; yields the clips that are complete."""
        for one in self._open:
            self._fill(one, bound_s, shown)
        while self._open and self._is_over(self._open[0], bound_s):
            yield self._complete(self._open.popleft(), self._length_s)
        while (start_s := self._place * self._step_s) < bound_s and self._wanted.is_before_end(start_s):
            one = self._begin(self._number, start_s, shown)
            self._place, self._number = self._place + 1, self._number + 1
            self._fill(one, bound_s, shown)
            if self._is_over(one, bound_s):
                yield self._complete(one, self._length_s)
            else:
                self._open.append(one)

    def _is_over(self, one: _Open, bound_s: float) -> bool:
        """Whether a clip has all its frames, and the file goes on to its end at least."""
        return self._is_full(one) and one.start_s + self._length_s <= bound_s + 2 * CLIP_TOLERANCE_S

    def _fill(self, one: _Open, bound_s: float, shown: _Fitted) -> None:
        while not self._is_full(one) and one.start_s + len(one.images) * self._every_s < bound_s:
            one.images.append(shown.image())

    def _complete(self, one: _Open, duration_s: float) -> Frame:
        self._made, self._covered_s = True, one.start_s + duration_s
        return one.clip(duration_s)

    def end(self) -> Iterator[Frame]:
        """See `Clipper`."""
        last = self._last
        if last is None:
            return
        end_s = last.frame.time_s + last.frame.duration_s
        yield from self._until(end_s - CLIP_TOLERANCE_S, last)
        for one in self._open:
            news_s = end_s - max(self._covered_s, one.start_s)
            news = not self._made or news_s >= self._every_s / 2
            if self._is_full(one) or (self._spec.last == "pad" and news):
                self._made, self._covered_s = True, end_s
                yield one.filled_up(last, self._spec.frames, end_s)
        yield from self._single()


class Counted(_Cutter):
    """Clips of every so many frames."""

    def __init__(self, spec: ClipInput, wanted: ClipRange) -> None:
        super().__init__(spec, wanted)
        self._number = wanted.number
        # Frames are counted from the beginning of the last clip that is not wanted.
        self._count = 0 if wanted.since_s is None else (wanted.number - 1) * spec.step
        self._covered = 0 if wanted.since_s is None else self._count + spec.length
        self._is_over = False

    @property
    def from_s(self) -> float | None:
        """See `Clipper`."""
        return self._wanted.since_s

    @property
    def is_done(self) -> bool:
        """See `Clipper`."""
        return self._is_over and not self._open

    def add(self, frame: Frame) -> Iterator[Frame]:
        """See `Clipper`."""
        since_s = self._wanted.since_s
        if since_s is not None and frame.time_s < since_s - CLIP_TOLERANCE_S / 2:
            return
        now, count = _Fitted(frame, self._spec), self._count
        self._last, self._count, self._seen = now, count + 1, self._seen + 1
        if count == self._number * self._spec.step and not self._is_over:
            self._is_over = not self._wanted.is_before_end(frame.time_s)
            if not self._is_over:
                self._open.append(self._begin(self._number, frame.time_s, now, count))
                self._number += 1
        for one in self._open:
            if (count - one.start) % self._spec.stride == 0 and not self._is_full(one):
                one.images.append(now.image())
        while self._open and count + 1 >= self._open[0].start + self._spec.length:
            one = self._open.popleft()
            self._made, self._covered = True, one.start + self._spec.length
            yield one.clip(frame.time_s + frame.duration_s - one.start_s)

    def end(self) -> Iterator[Frame]:
        """See `Clipper`."""
        last = self._last
        if last is None:
            return
        for one in self._open:
            # Of a clip that has all its frames, only those between two of them may be missing.
            if self._is_full(one) or (self._spec.last == "pad" and self._covered < self._count):
                self._made, self._covered = True, self._count
                yield one.filled_up(last, self._spec.frames, last.frame.time_s + last.frame.duration_s)
        yield from self._single()
