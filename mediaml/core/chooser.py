"""Takes the frames of a `Sampling` one after the other: the definition, without pixels."""

from __future__ import annotations

from fractions import Fraction

from mediaml.core.sampling import Sampling

MOST_ROUNDED_S = Fraction(1, 2000)
"""Half of the longest tick to which time stamps are rounded: Matroska's, of 1 ms. A longer one is the
distance of two frames, whose stamps are exact."""


class Chooser:
    """Looks at the frames of one file in order of their times, from its start or that of the range on.

    Whether a shot begins is not known here: of `scenes` only the range counts.

    Args:
        sampling: what is wanted.
        tick_s: seconds of one tick of the file's clock; 0 where times are exact.
    """

    def __init__(self, sampling: Sampling, tick_s: Fraction = Fraction(0)) -> None:
        self._sampling = sampling
        self._half = min(tick_s / 2, MOST_ROUNDED_S)
        self._start = None if sampling.start_s is None else self._due(sampling.start_s)
        self._end = None if sampling.end_s is None else self._due(sampling.end_s)
        self._first: int | None = None
        self._next = 0

    def _due(self, target_s: Fraction) -> float:
        """The earliest time stamp that is not before a target: stamps are rounded to ticks."""
        return float(target_s - self._half)

    @property
    def begins_s(self) -> float:
        """No frame before this time is taken, seconds."""
        return max(0.0, self._start or 0.0)

    def is_past(self, time_s: float) -> bool:
        """Whether a frame is behind the range, as are all that follow."""
        return self._end is not None and time_s >= self._end

    def takes(self, index: int, time_s: float, *, key: bool = True) -> bool:
        """Whether a frame is taken.

        Args:
            index: its number in the file. key: whether it is a keyframe.
        """
        if self.is_past(time_s) or (self._start is not None and time_s < self._start):
            return False
        sampling = self._sampling
        if sampling.step_s is not None:
            return self._reaches(sampling.step_s, time_s)
        if self._first is None:
            self._first = index
        return key if sampling.keyframes else (index - self._first) % sampling.every == 0

    def _reaches(self, step_s: Fraction, time_s: float) -> bool:
        """Whether a frame is the first at or after a target; if so, go on to the first target behind it."""
        base_s = self._sampling.start_s or Fraction(0)
        if time_s < self._due(base_s + self._next * step_s):
            return False
        passed = (Fraction(time_s) + self._half - base_s) // step_s
        self._next = max(self._next, int(passed)) + 1
        # The quotient is of exact numbers, time stamps are rounded to a float.
        while time_s >= self._due(base_s + self._next * step_s):
            self._next += 1
        return True
