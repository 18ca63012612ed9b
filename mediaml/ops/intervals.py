"""Intervals of time in which something is present, from scores per frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.errors import require

# Times of consecutive frames meet up to rounding: 30000/1001 frames per second have no exact durations.
_TOLERANCE_S = 1e-3


@dataclass(frozen=True, slots=True)
class Merging:
    """How frames are merged into intervals.

    Attributes:
        release: the score, 0..1, down to which an interval goes on at both ends once its threshold was
            reached (hysteresis, a double threshold); `None` for the threshold itself.
        gap_s: gaps of up to this many seconds are bridged.
        pad_s: seconds added at both ends.
        least_s: shorter intervals are left out, measured before padding.

    Raises:
        ValueError: when a number is out of its range.
    """

    release: float | None = None
    gap_s: float = 0.5
    pad_s: float = 0.0
    least_s: float = 0.0

    def __post_init__(self) -> None:
        require(self.release is None or 0.0 <= self.release <= 1.0, f"release is 0..1, not {self.release}")
        for name in ("gap_s", "pad_s", "least_s"):
            value = getattr(self, name)
            require(0.0 <= value < float("inf"), f"{name} must be finite and not negative, not {value}")


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of time, seconds, and the highest score within."""

    start_s: float
    end_s: float
    score: float


def intervals(
    starts: Sequence[float] | Array,
    ends: Sequence[float] | Array,
    scores: Sequence[float] | Array,
    threshold: float,
    merging: Merging,
    end_s: float | None = None,
) -> list[Interval]:
    """Merge the frames in which one thing is seen into intervals: ordered, disjoint, never empty.

    A run is a maximal sequence of frames of at least `merging.release` between which no gap is longer than
    `merging.gap_s`; it becomes an interval when one of its frames reaches the threshold. Padded intervals
    that touch are merged.

    Args:
        starts, ends: [n] of the frames in which it is seen, seconds, by `starts` ascending.
        scores: [n] its score in each.
        threshold: the score that an interval must reach.
        merging: how.
        end_s: where the file ends; intervals are clipped to 0 .. `end_s`. `None` where it is unknown.
    """
    given = [np.asarray(values, dtype=np.float64) for values in (starts, ends, scores)]
    release = threshold if merging.release is None else min(merging.release, threshold)
    begin, end, score = (values[given[2] >= release] for values in given)
    if not len(begin):
        return []
    reached = np.maximum.accumulate(end)
    first = np.flatnonzero(np.r_[True, begin[1:] - reached[:-1] > merging.gap_s + _TOLERANCE_S])
    runs = zip(
        begin[first],
        np.maximum.reduceat(end, first),
        np.maximum.reduceat(score, first),
        strict=True,
    )
    found = [
        Interval(float(start), float(stop), float(best))
        for start, stop, best in runs
        if best >= threshold and stop - start >= merging.least_s
    ]
    return _padded(found, merging.pad_s, end_s)


def _padded(found: list[Interval], pad_s: float, end_s: float | None) -> list[Interval]:
    padded: list[Interval] = []
    for one in found:
        start, stop = max(0.0, one.start_s - pad_s), one.end_s + pad_s
        stop = stop if end_s is None else min(stop, max(end_s, one.end_s))
        before = padded[-1] if padded else None
        if before is not None and start <= before.end_s:
            padded[-1] = Interval(before.start_s, max(before.end_s, stop), max(before.score, one.score))
        elif stop > start:
            padded.append(Interval(start, stop, one.score))
    return padded
