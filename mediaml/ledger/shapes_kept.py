"""Which shapes models gave, looked up in the ledger without reading predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.results import Results
from mediaml.ledger.shapes import keypoints_of


@dataclass(frozen=True, slots=True)
class ShapesKept:
    """What is kept beside boxes.

    Attributes:
        outlines: whether one of the detections has an outline.
        keypoints: number of keypoints of a detection, the most in the models' first ones; 0 for none.
    """

    outlines: bool
    keypoints: int


def shapes_kept(results: Results, models: Sequence[ModelRow]) -> ShapesKept:
    """What the models gave beside boxes; each model gives the same kind of shapes for all its detections."""
    outlines, keypoints = False, 0
    for model in models:
        outline = results.connection.execute(_FIRST.format("outline"), (model.id,)).fetchone()
        points = results.connection.execute(_FIRST.format("keypoints"), (model.id,)).fetchone()
        outlines = outlines or outline is not None
        keypoints = max(keypoints, len(keypoints_of(points[0])) if points else 0)
    return ShapesKept(outlines, keypoints)


_FIRST = "SELECT {0} FROM detection WHERE model = ? AND {0} IS NOT NULL LIMIT 1"
