"""Where the objects of a source were a moment ago: for trails on annotated copies."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mediaml.derive.lines import anchors
from mediaml.ledger.track_rows import TrackPoints


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """The way of one object.

    Attributes:
        track: its number. label: its class in the last of the frames.
        places: float64 [n, 2], the middle of the lower edge of its box in displayed source pixels, oldest
            first.
        times: float64 [n], seconds.
    """

    track: int
    label: str
    places: NDArray[np.float64] = field(repr=False)
    times: NDArray[np.float64] = field(repr=False)


class Trails:
    """The trails of a source's objects at any moment.

    Args:
        points: of the source, see `mediaml.ledger.track_rows.track_points`.
        length_s: how far back a trail goes, seconds.
    """

    def __init__(self, points: TrackPoints, length_s: float = 2.0) -> None:
        self._points = points
        self._places = anchors(points.boxes)
        self._length_s = length_s
        self._spans = points.spans()
        self._begins = np.array([points.times[rows.start] for _, rows in self._spans])
        self._ends = np.array([points.times[rows.stop - 1] for _, rows in self._spans])

    def at(self, time_s: float) -> list[Trail]:
        """The trails of the objects that are found in the frame of this time, by their numbers."""
        points, trails = self._points, []
        for place in np.flatnonzero((self._begins <= time_s) & (self._ends >= time_s)).tolist():
            track, rows = self._spans[place]
            times = points.times[rows]
            end = int(np.searchsorted(times, time_s, "right"))
            if times[end - 1] != time_s:
                continue
            begin = int(np.searchsorted(times, time_s - self._length_s))
            part = slice(rows.start + begin, rows.start + end)
            label = points.names[int(points.classes[part.stop - 1])]
            trails.append(Trail(track, label, self._places[part], points.times[part]))
        return trails
