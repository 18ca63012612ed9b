"""How long objects were at each place of an image."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.prediction import Box

_CELLS = 160
_SOFTNESS = 1.5


class HeatMap:
    """A grid over an image that adds up seconds.

    Args:
        width, height: of the image, pixels; its longer side has 160 cells.
        grid: where to go on, float32 [rows, columns], changed in place; `None` begins with zeros.

    Attributes:
        grid: seconds of all boxes that have covered each cell.
    """

    def __init__(self, width: int, height: int, grid: Float32Array | None = None) -> None:
        self._cell = max(width, height) / _CELLS
        shape = max(1, round(height / self._cell)), max(1, round(width / self._cell))
        self.grid = np.zeros(shape, np.float32) if grid is None else grid

    def add(self, boxes: Iterable[Box], seconds: float) -> None:
        """Add boxes that were there for some seconds; a photo, which lasts for none, counts as 1 s."""
        for box in boxes:
            left, top, right, bottom = (max(0.0, edge / self._cell) for edge in box.corners)
            rows = slice(int(top), int(np.ceil(bottom)))
            columns = slice(int(left), int(np.ceil(right)))
            self.grid[rows, columns] += seconds or 1.0

    def most(self) -> float:
        """The largest value."""
        return float(self.grid.max(initial=0.0))

    def levels(self, most: float) -> UInt8Array:
        """The square roots of the shares of `most`, softened, as uint8 [rows, columns].

        The root keeps what moved visible beside what stood still.
        """
        if most <= 0:
            return np.zeros(self.grid.shape, np.uint8)
        soft = cv2.GaussianBlur(self.grid, (0, 0), _SOFTNESS)
        return np.asarray(np.rint(255 * np.sqrt(np.clip(soft / most, 0, 1))), dtype=np.uint8)
