"""Selects detection candidates from a head's raw boxes and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaml.plugin import Array, Float32Array, ModelError, nms_per_class

MOST = 10_000
"""Candidates that enter the non-maximum suppression, best first: a hostile or untrained head is bounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Scored boxes of one image.

    Attributes:
        boxes: float32 [N, 4] left, top, right, bottom in pixels of the network's input.
        scores: float32 [N], 0..1.
        classes: int64 [N].
    """

    boxes: Float32Array
    scores: Float32Array
    classes: NDArray[np.int64]

    def take(self, indices: NDArray[np.integer] | NDArray[np.bool_]) -> Candidates:
        """Those at the indices, in their order."""
        return Candidates(self.boxes[indices], self.scores[indices], self.classes[indices])

    def suppressed(self, iou: float, max_det: int, *, agnostic: bool) -> Candidates:
        """What non-maximum suppression leaves of the best `MOST`, best first.

        Args:
            iou, max_det: see `nms_per_class`. agnostic: as if all were of one class.
        """
        best = self
        if len(self.scores) > MOST:
            best = self.take(np.argpartition(-self.scores, MOST)[:MOST])
        classes = np.zeros_like(best.classes) if agnostic else best.classes
        return best.take(nms_per_class(best.boxes, best.scores, classes, iou, max_det))


def from_dense(boxes: Array, scores: Array, conf: float, wanted: Sequence[int] | None) -> Candidates:
    """The candidates among all anchors x classes of one image.

    An anchor is a candidate for every class that reaches `conf`, not for its best class alone: YOLOv3's
    classes are independent logistic classifiers (Redmon and Farhadi 2018, section 2.2), and darknet and the
    ONNX zoo's graphs read them so.

    Args:
        boxes: float32 [anchors, 4] left, top, right, bottom.
        scores: float32 [anchors, classes], 0..1.
        conf: lowest score.
        wanted: class ids; `None` for all.

    Raises:
        ModelError: a score is not a number in 0..1, or a candidate's box is not finite.
    """
    columns = np.arange(scores.shape[1]) if wanted is None else np.asarray(wanted, dtype=np.int64)
    chosen = scores if wanted is None else scores[:, columns]
    if chosen.size == 0:
        return _checked(boxes[:0], chosen[:0].reshape(-1), columns[:0])
    best = chosen.max(axis=1)
    if not np.isfinite(best).all():
        raise ModelError(
            "the network's scores are not all finite.", "Its weights are damaged; download it again."
        )
    anchors = np.flatnonzero(best >= conf)
    rows, picked = np.nonzero(chosen[anchors] >= conf)
    rows = anchors[rows]
    return _checked(boxes[rows], chosen[rows, picked], columns[picked])


def from_indices(boxes: Array, scores: Array, indices: Array) -> Candidates:
    """The candidates that a graph's own non-maximum suppression has chosen.

    Args:
        boxes: float32 [anchors, 4] left, top, right, bottom.
        scores: float32 [classes, anchors], 0..1.
        indices: integer [k, 3] batch, class, anchor; rows with a negative number are filling.

    Raises:
        ModelError: there are more indices than boxes and classes, an index points nowhere, a score is
            not a number in 0..1, or a box is not finite.
    """
    rows = indices[(indices >= 0).all(axis=1)].astype(np.int64)
    if len(rows) > scores.size:
        raise ModelError(
            f"the network selected {len(rows)} of {scores.size} boxes.", "The file is not a valid yolov3."
        )
    if (rows >= (1, *scores.shape)).any() or (rows[:, 2] >= len(boxes)).any():
        raise ModelError("the network's indices point outside its boxes.", "The file is not a valid yolov3.")
    return _checked(boxes[rows[:, 2]], scores[rows[:, 1], rows[:, 2]], rows[:, 1])


def _checked(boxes: Array, scores: Array, classes: NDArray[np.int64]) -> Candidates:
    if not np.isfinite(boxes).all() or not np.isfinite(scores).all():
        raise ModelError(
            "the network's boxes are not all finite.", "Its weights are damaged; download it again."
        )
    if scores.size and (scores.min() < 0.0 or scores.max() > 1.0 + 1e-3):
        raise ModelError(
            f"the network's scores reach from {scores.min():g} to {scores.max():g}, not 0..1.",
            "A detector's graph must end in scores after its sigmoid or softmax.",
        )
    return Candidates(
        boxes.astype(np.float32), np.minimum(scores, 1.0).astype(np.float32), classes.astype(np.int64)
    )
