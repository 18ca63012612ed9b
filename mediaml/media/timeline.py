"""From the time stamps of a stream to times and durations in seconds, in order whatever the file says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from mediaml.media.decode import Tally

T = TypeVar("T")

# A step back by more than this is a restart of the clock that `clock` could not see, as in a live stream:
# times continue from where they were. A smaller one is a wrong stamp: the frame is shown at the time of the
# one before.
NEW_CLOCK_S = 1.0
# Durations after which the next frame is overdue; a little more than 2, for stamps rounded to milliseconds.
JUMP = 2.05


@dataclass(frozen=True, slots=True)
class Stamp:
    """Presentation time, decoding time and duration of one frame, in ticks of the stream's time base."""

    pts: int | None
    dts: int | None
    duration: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The clock of one stream.

    Attributes:
        time_base: seconds of one tick.
        start: tick at which the file starts, which may lie between two; `None` takes the first frame's.
        rate: frames per second where known, for frames that state no duration.
    """

    time_base: Fraction
    start: Fraction | int | None
    rate: Fraction | None

    def tick(self, time_s: float) -> int | None:
        """The tick of the stream at or before a time; `None` where it is not known when the file starts."""
        return None if self.start is None else math.floor(self.start + time_s / self.time_base)

    def place(
        self, items: Iterable[tuple[Stamp, T]], tally: Tally, *, since_s: float = 0.0
    ) -> Iterator[tuple[float, float, T]]:
        """Time and duration in seconds of each item; times never decrease.

        A frame is shown until the next one; the last for as long as the file states, else for 1 / rate.
        Missing stamps, steps back, and jumps of more than two durations count as gaps, from `since_s` on.
        """
        waiting: tuple[float, float, T] | None = None
        for time_s, stated_s, item in self._in_order(items, tally, since_s):
            if waiting is not None:
                yield waiting[0], time_s - waiting[0], waiting[2]
            waiting = (time_s, stated_s, item)
        if waiting is not None:
            yield waiting[0], waiting[1] or self._nominal_s, waiting[2]

    @property
    def _nominal_s(self) -> float:
        return float(1 / self.rate) if self.rate else 0.0

    def _in_order(
        self, items: Iterable[tuple[Stamp, T]], tally: Tally, since_s: float
    ) -> Iterator[tuple[float, float, T]]:
        guess, start, shift_s = BestEffort(), self.start, 0.0
        last_s, step_s = -math.inf, 0.0
        for stamp, item in items:
            ticks = guess.ticks(stamp)
            start = ticks if start is None else start
            time_s = math.nan
            if ticks is not None and start is not None:
                time_s = float((ticks - start) * self.time_base) + shift_s
            placed_s = _continued(time_s, last_s, step_s)
            if placed_s > time_s + NEW_CLOCK_S:
                shift_s += placed_s - time_s
            stated_s = max(0.0, float((stamp.duration or 0) * self.time_base))
            is_gap = last_s > -math.inf and not last_s <= time_s <= last_s + JUMP * (step_s or math.inf)
            if tally.joints and ticks is not None and ticks >= tally.joints[0]:
                # Another part of a joined recording: one gap, however well the two fit together.
                tally.joints.popleft()
                is_gap = True
            tally.gaps += is_gap and placed_s >= since_s
            last_s, step_s = placed_s, stated_s or self._nominal_s
            yield placed_s, stated_s, item


def _continued(time_s: float, last_s: float, step_s: float) -> float:
    """When a frame is shown whose stamp says `time_s` (NaN: nothing) after one of `step_s` at `last_s`."""
    if last_s == -math.inf:
        return 0.0 if math.isnan(time_s) else time_s
    if math.isnan(time_s) or last_s - time_s > NEW_CLOCK_S:
        return last_s + step_s
    return max(last_s, time_s)


class BestEffort:
    """Which of a frame's two times to trust; the rule of FFmpeg's `best_effort_timestamp`.

    The presentation time, unless it is missing or has run backwards more often than the decoding time.
    """

    def __init__(self) -> None:
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._faulty_pts = 0
        self._faulty_dts = 0

    def ticks(self, stamp: Stamp) -> int | None:
        """The tick at which the frame is shown; `None` where it has no stamp."""
        if stamp.dts is not None:
            self._faulty_dts += self._last_dts is not None and stamp.dts <= self._last_dts
            self._last_dts = stamp.dts
        elif stamp.pts is not None:
            self._last_dts = stamp.pts
        if stamp.pts is not None:
            self._faulty_pts += self._last_pts is not None and stamp.pts <= self._last_pts
            self._last_pts = stamp.pts
        elif stamp.dts is not None:
            self._last_pts = stamp.dts
        if stamp.pts is not None and (self._faulty_pts <= self._faulty_dts or stamp.dts is None):
            return stamp.pts
        return stamp.dts
