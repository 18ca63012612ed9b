"""When the objects of a source cross a line, and in which direction.

An object is where the middle of the lower edge of its box is, which for what stands on the ground is where it
stands. It crosses where that point is on one side of the line, then on the other, and the way between passes
between the ends of the line. A point nearer to the line than a tenth of the box's height is on neither side,
so that a box that trembles on the line does not cross it again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mediaml.core.errors import UsageError, require
from mediaml.ledger.track_rows import TrackPoints

Direction = Literal["in", "out"]
_NEAR = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """A line from (x1, y1) to (x2, y2) in displayed source pixels; if none is above 1, in shares of its size.

    Who looks from the first end to the second sees objects go `in` from the left to the right.

    Attributes:
        name: what it is called in the output.
    """

    name: str
    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        require(all(np.isfinite(self.ends)), f"a line has finite ends, not {self.ends}")
        require((self.x1, self.y1) != (self.x2, self.y2), "a line has two different ends")

    @property
    def ends(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2."""
        return self.x1, self.y1, self.x2, self.y2

    @property
    def relative(self) -> bool:
        """Whether it is in shares of the source's size."""
        return all(0.0 <= end <= 1.0 for end in self.ends)

    @classmethod
    def parse(cls, text: str, name: str) -> Line:
        """Parse `x1,y1,x2,y2`, or `NAME=x1,y1,x2,y2`.

        Raises:
            UsageError: it is neither.
        """
        given, _, numbers = text.rpartition("=")
        try:
            x1, y1, x2, y2 = map(float, numbers.split(","))
            return cls(given.strip() or name, x1, y1, x2, y2)
        except ValueError as error:
            raise UsageError(
                f"{text!r} is not a line.",
                "Give x1,y1,x2,y2 with two different ends, in pixels or 0..1: --line 0,0.5,1,0.5",
            ) from error

    def in_pixels(self, width: float, height: float) -> NDArray[np.float64]:
        """The ends in pixels, float64 [2, 2]."""
        scale = np.array([width, height]) if self.relative else np.ones(2)
        return np.asarray(np.reshape(self.ends, (2, 2)) * scale, np.float64)


@dataclass(frozen=True, slots=True)
class Crossing:
    """An object has crossed a line.

    Attributes:
        track: the object's number. line: the line's name. time_s: when, seconds.
    """

    track: int
    line: str
    direction: Direction
    time_s: float


def anchors(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of the lower edge of boxes [n, 4]: float64 [n, 2]."""
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)


def crossings(points: TrackPoints, line: Line, width: float, height: float) -> list[Crossing]:
    """Every crossing of a line, by object, then by time.

    Args:
        width, height: of the source, pixels.
    """
    ends = line.in_pixels(width, height)
    along = ends[1] - ends[0]
    places = anchors(points.boxes)
    offset = places - ends[0]
    # Distance to the right of the line, as seen from its first end; y points down.
    beside = (along[0] * offset[:, 1] - along[1] * offset[:, 0]) / np.hypot(*along)
    near = _NEAR * (points.boxes[:, 3] - points.boxes[:, 1])
    found = []
    for track, rows in points.spans():
        sure = np.flatnonzero(np.abs(beside[rows]) >= near[rows]) + rows.start
        changes = np.flatnonzero(np.sign(beside[sure[1:]]) != np.sign(beside[sure[:-1]]))
        for before, after in zip(sure[changes].tolist(), sure[changes + 1].tolist(), strict=True):
            share = beside[before] / (beside[before] - beside[after])
            place = offset[before] + share * (offset[after] - offset[before])
            if 0.0 <= place @ along <= along @ along:
                time_s = points.times[before] + share * (points.times[after] - points.times[before])
                direction: Direction = "in" if beside[after] > 0 else "out"
                found.append(Crossing(track, line.name, direction, float(time_s)))
    return found
