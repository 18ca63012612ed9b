"""What reaches from the slices of a video into one of them: held boxes, trails, heat."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from mediaml.core.arrays import Float32Array
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.slice_rows import DrawingResults, DrawnRow
from mediaml.ops.heat import HeatMap
from mediaml.ops.look import Look
from mediaml.outputs.render.over_time import Heat
from mediaml.outputs.render.slice_answers import Surroundings

_SLICES_KEPT = 4


class Neighbours:
    """Finds the surroundings of slices that are asked for, best in order.

    Args:
        view: the ledger. look: how results are drawn. slice_s: length of a slice, seconds.
    """

    def __init__(self, view: DrawingResults, look: Look, slice_s: float) -> None:
        self._view = view
        self._rows = lru_cache(maxsize=_SLICES_KEPT)(self._read)
        self._slice_s = slice_s
        # An object may be out of sight for twice the time that it is held.
        self._hold_s = 2 * look.hold_s if look.hides else 0.0
        self._back_s = max(self._hold_s, look.trail_s if "trails" in look.styles else 0.0)
        self._heats = "heatmap" in look.styles
        self._source: int | None = None
        self._next = 0
        self._map = HeatMap(1, 1)
        self._most = 0.0

    def of(self, source: SourceRow, number: int) -> Surroundings:
        """The surroundings of a slice."""
        if not (self._back_s or self._heats):
            return Surroundings()
        start_s, end_s = number * self._slice_s, (number + 1) * self._slice_s
        back, on = math.ceil(self._back_s / self._slice_s), math.ceil(self._hold_s / self._slice_s)
        before = self._between(source.id, range(max(0, number - back), number), start_s - self._back_s, end_s)
        after = self._between(source.id, range(number + 1, number + 1 + on), start_s, end_s + self._hold_s)
        heat = self._heat(source, number) if self._heats else None
        return Surroundings(tuple(before), tuple(after), heat)

    def _between(self, source: int, numbers: range, start_s: float, end_s: float) -> Iterator[DrawnRow]:
        for number in numbers:
            yield from (row for row in self._rows(source, number) if start_s <= row.time_s <= end_s)

    def _read(self, source: int, number: int) -> list[DrawnRow]:
        return self._view.slice_rows(source, number)

    def _heat(self, source: SourceRow, number: int) -> Heat:
        info = source.info
        size = (info.width or 1, info.height or 1) if info else (1, 1)
        numbers = self._view.slice_numbers(source.id)
        if source.id != self._source:
            whole = HeatMap(*size)
            for one in numbers:
                self._add(whole, source.id, one)
            self._source, self._most, self._next = source.id, whole.most(), number + 1
        if number < self._next:
            self._map, self._next = HeatMap(*size), 0
        for one in numbers:
            if self._next <= one < number:
                self._add(self._map, source.id, one)
        self._next = number
        grid: Float32Array = np.array(self._map.grid)
        return Heat(grid, self._most, size)

    def _add(self, heat: HeatMap, source: int, number: int) -> None:
        for row in self._rows(source, number):
            heat.add([found.box for found in row.detections], row.duration_s)
