"""Whether a YOLOX graph answers a raw grid or boxes: its shapes are the same, so it is asked once."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from mediaml.plugin import Array, ModelError, Session, normalise
from mediaml_yolo.decoders import grid_cells
from mediaml_yolo.input_shape import InputShape
from mediaml_yolo.recognise import Layout

CLEARLY = 2.0
"""How many times nearer centres must be to where one reading expects them than to the other's."""


class Probed(Protocol):
    """What is needed of a detector that is asked."""

    session: Session
    layout: Layout
    shape: InputShape

    @property
    def fixed_batch(self) -> int | None:
        """See `OnnxModel.fixed_batch`."""


def settled(detector: Probed, model: str) -> Layout:
    """The layout `yolox` or `yolox-decoded`, after one run on a grey image.

    The centres of decoded boxes lie about their cells, all over the image; raw ones are a few cells at most.

    Raises:
        ModelError: the answers are neither.
    """
    want, layout = detector.shape.whole, detector.layout
    grey = np.full((want.height, want.width, 3), want.pad, np.uint8)
    sample = normalise(grey, want).astype(layout.image.dtype)
    batch = np.stack([sample] * (detector.fixed_batch or 1))
    [grid] = detector.session.run({layout.image.name: batch})[:1]
    cells, strides = grid_cells(want.width, want.height)
    rows = grid[0].astype(np.float32)
    if rows.shape[0] == len(cells) and np.isfinite(rows[:, :4]).all():
        raw, decoded = _distance(rows[:, :2], 0.5), _distance(rows[:, :2] / strides, cells + 0.5)
        if CLEARLY * decoded < raw:
            return replace(layout, family="yolox-decoded")
        if CLEARLY * raw < decoded:
            return layout
    raise ModelError(
        f"{detector.session.name} has the shapes of YOLOX, but answers neither its raw grid nor its boxes.",
        f"If you know which: -O {model}.family=yolox or -O {model}.family=yolox-decoded.",
    )


def _distance(centres: Array, expected: Array | float) -> float:
    """Median distance of centres from where they are expected, in cells."""
    return float(np.median(np.abs(centres - expected)))
