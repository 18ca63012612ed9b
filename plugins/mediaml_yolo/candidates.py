"""Selects detection candidates from a head's raw boxes and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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
        extras: float32 [N, E] what else the network says of each: weights of masks, keypoints, or an angle.
        masks: float32 [M, height, width] the masks that are weighed; `None` where there are none.
    """

    boxes: Float32Array
    scores: Float32Array
    classes: NDArray[np.int64]
    extras: Float32Array = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    masks: Float32Array | None = None

    def take(self, indices: NDArray[np.integer] | NDArray[np.bool_]) -> Candidates:
        """Those at the indices, in their order."""
        extras = self.extras[indices] if self.extras.size else self.extras
        return replace(
            self,
            boxes=self.boxes[indices],
            scores=self.scores[indices],
            classes=self.classes[indices],
            extras=extras,
        )

    def wanted(self, conf: float, classes: Sequence[int] | None) -> Candidates:
        """Those of at least the score `conf`, of the classes (`None`: all)."""
        keep = self.scores >= conf
        if classes is not None:
            keep &= np.isin(self.classes, classes)
        return self.take(keep)

    def suppressed(self, iou: float, max_det: int, *, agnostic: bool) -> Candidates:
        """What non-maximum suppression leaves of the best `MOST`, best first.

        Args:
            iou, max_det: see `nms_per_class`. agnostic: as if all were of one class.
        """
        best = self.best(MOST)
        classes = np.zeros_like(best.classes) if agnostic else best.classes
        return best.take(nms_per_class(best.boxes, best.scores, classes, iou, max_det))

    def best(self, most: int) -> Candidates:
        """The `most` of the highest scores, in the order of the input where there are no more than that."""
        if len(self.scores) <= most:
            return self
        return self.take(np.argpartition(-self.scores, most)[:most])

    def ordered(self, most: int) -> Candidates:
        """The best `most`, highest score first."""
        return self.take(np.argsort(-self.scores, kind="stable")[:most])


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


def from_best(
    boxes: Array, scores: Array, conf: float, wanted: Sequence[int] | None, extras: Array | None = None
) -> Candidates:
    """The candidates of one image, each for its best class alone, as most YOLO networks are read.

    Args:
        boxes: [anchors, 4] left, top, right, bottom.
        scores: [anchors, classes], 0..1.
        conf: lowest score. wanted: class ids; `None` for all.
        extras: [anchors, E] more values of each.

    Raises:
        ModelError: a score is not a number in 0..1, or a candidate's box is not finite.
    """
    classes = scores.argmax(axis=1) if scores.size else np.zeros(len(scores), np.int64)
    best = np.take_along_axis(scores, classes[:, None], axis=1)[:, 0] if scores.size else scores[:, :0].sum(1)
    return listed(boxes, best, classes, extras, conf=conf, wanted=wanted)


def listed(
    boxes: Array,
    scores: Array,
    classes: Array,
    extras: Array | None = None,
    *,
    conf: float,
    wanted: Sequence[int] | None,
) -> Candidates:
    """The candidates of one image among boxes [N, 4] with one score [N] and class [N] each.

    Raises:
        ModelError: see `from_best`.
    """
    if not np.isfinite(scores).all():
        raise ModelError(
            "the network's scores are not all finite.", "Its weights are damaged; download it again."
        )
    rows = np.flatnonzero(scores >= conf)
    found = _checked(boxes[rows], scores[rows], classes[rows])
    if extras is not None:
        found = replace(found, extras=np.asarray(extras[rows], dtype=np.float32))
    return found.wanted(conf, wanted)


def corners_of(centred: Array) -> Array:
    """Boxes [..., 4] x, y of the centre, width, height to left, top, right, bottom."""
    half = centred[..., 2:] / 2
    corners: Array = np.concatenate([centred[..., :2] - half, centred[..., :2] + half], axis=-1)
    return corners


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
