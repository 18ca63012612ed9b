"""What holds on the frames of a slice beyond its own: samples, clips, trails and heat, by time."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.clip_input import CLIP_TOLERANCE_S
from mediaml.core.prediction import Detection
from mediaml.ledger.slice_rows import DrawnRow
from mediaml.ops.heat import HeatMap
from mediaml.ops.overlay import Overlay, Trail, smoothed

# The trail of an object that has not been seen for longer is not drawn any more.
_GONE_S = 0.5
# Sums of times and durations are rounded.
_SLACK_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """Where objects were before a slice.

    Attributes:
        grid: see `HeatMap`, before the first frame of the slice.
        most: the largest value at the end of the source.
        size: width and height of the source's frames, pixels.
    """

    grid: Float32Array = field(repr=False)
    most: float
    size: tuple[int, int]


class Samples:
    """The rows of one sparse model that reach into a slice, in order of time."""

    def __init__(self, rows: Iterable[DrawnRow]) -> None:
        self._rows = sorted(rows, key=lambda row: row.time_s)
        self.times_s = [row.time_s for row in self._rows]

    def at(self, time_s: float) -> DrawnRow | None:
        """The row that holds at a time."""
        place = bisect_right(self.times_s, time_s) - 1
        if place < 0 or time_s >= self._rows[place].time_s + self._rows[place].duration_s - _SLACK_S:
            return None
        return self._rows[place]


class Clips:
    """The answers for clips, by time."""

    def __init__(self, rows: Iterable[DrawnRow]) -> None:
        self._rows: defaultdict[int, list[DrawnRow]] = defaultdict(list)
        for row in rows:
            self._rows[row.model].append(row)

    @property
    def models(self) -> list[int]:
        """The models that answer clips."""
        return list(self._rows)

    def at(self, time_s: float) -> list[DrawnRow]:
        """What holds at a time, of each model."""
        return [row for model in self._rows if (row := self.of(model, time_s)) is not None]

    def of(self, model: int, time_s: float) -> DrawnRow | None:
        """What a model says of the last clip that began before a time, where it has not ended."""
        rows = self._rows.get(model, [])
        begun = bisect_right(rows, time_s + CLIP_TOLERANCE_S, key=lambda row: row.time_s)
        row = rows[begun - 1] if begun else None
        return row if row is not None and time_s + CLIP_TOLERANCE_S < row.time_s + row.duration_s else None


class Trails:
    """The ways of all objects that have a track."""

    def __init__(self, rows: Iterable[DrawnRow], trail_s: float, sparse: Collection[int]) -> None:
        self._trail_s = trail_s
        # For how long a sample holds.
        self._holds: dict[tuple[int, int, float], float] = {}
        self._seen: defaultdict[tuple[int, int], list[tuple[float, Detection]]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.time_s):
            for detection in row.detections:
                if detection.track is not None:
                    self._holds[row.model, detection.track, row.time_s] = (
                        row.duration_s if row.model in sparse else 0.0
                    )
                    self._seen[row.model, detection.track].append((row.time_s, detection))

    def until(self, time_s: float) -> tuple[Trail, ...]:
        """The ways during the last seconds before a time."""
        trails = []
        for (model, track), seen in self._seen.items():
            first = bisect_left(seen, time_s - self._trail_s, key=lambda one: one[0])
            end = bisect_right(seen, time_s, key=lambda one: one[0])
            last_s = seen[end - 1][0] if end else -math.inf
            if end - first >= 2 and time_s - last_s <= _GONE_S + self._holds[model, track, last_s]:
                boxes = [detection.box for _, detection in seen[first:end]]
                feet = [((box.left + box.right) / 2, box.bottom) for box in boxes]
                trails.append(Trail(seen[end - 1][1].label.name, track, smoothed(feet)))
        return tuple(trails)


class RunningHeat:
    """The heat map from frame to frame."""

    def __init__(self, heat: Heat) -> None:
        self._map = HeatMap(*heat.size, heat.grid.copy())
        self._most = heat.most

    def add(self, overlay: Overlay, duration_s: float) -> UInt8Array:
        """The levels after a frame."""
        self._map.add([found.box for found in overlay.found()], duration_s)
        return self._map.levels(self._most)
