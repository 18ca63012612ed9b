"""Which moments of a video are shown as thumbnails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mediaml.ledger.frames import KeptFrame

MOST_MOMENTS = 12


@dataclass(slots=True)
class Moments:
    """The best frames of a video, one of each part of it at most.

    A frame is better than another when the scores of its detections that a run asked for add up to more; in a
    video without detections, the scores of its labels. A part without any has no moment, and a video without
    any has its first frame.

    Attributes:
        duration_s: length of the video, seconds; 0 where it is not known.
    """

    duration_s: float
    _detected: dict[int, tuple[int, float]] = field(default_factory=dict)
    _labelled: dict[int, tuple[int, float]] = field(default_factory=dict)
    _first_s: float | None = None

    def follow(self, frames: Iterator[KeptFrame], least: int) -> Iterator[KeptFrame]:
        """Pass frames on and note the best ones.

        Args:
            least: the least score, in units of the ledger, that counts.
        """
        for frame in frames:
            if self._first_s is None or frame.time_s < self._first_s:
                self._first_s = frame.time_s
            self._note(
                self._detected, frame.time_s, sum(row[1] for row in frame.detections if row[1] >= least)
            )
            self._note(self._labelled, frame.time_s, sum(row[1] for row in frame.labels if row[1] >= least))
            yield frame

    def _note(self, best: dict[int, tuple[int, float]], time_s: float, score: int) -> None:
        part = self._part(time_s)
        if score > best.get(part, (0, 0.0))[0]:
            best[part] = score, time_s

    @property
    def _best(self) -> dict[int, tuple[int, float]]:
        return self._detected or self._labelled

    def _part(self, time_s: float) -> int:
        if self.duration_s <= 0:
            return 0
        return min(MOST_MOMENTS - 1, max(0, int(time_s / self.duration_s * MOST_MOMENTS)))

    def times(self) -> tuple[float, ...]:
        """Their times, ascending."""
        found = sorted({time_s for _, time_s in self._best.values()})
        return tuple(found) or (() if self._first_s is None else (self._first_s,))

    def best(self) -> float:
        """The time of the best of all; 0 where there is none."""
        return max(self._best.values())[1] if self._best else self._first_s or 0.0
