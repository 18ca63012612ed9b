"""Boxes as arrays: float32 [N, 4] left, top, right, bottom in pixels of one image, edges continuous."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array
from mediaml.core.errors import require

Indices = NDArray[np.int64]
Float64Array = NDArray[np.float64]


def area(boxes: Float32Array) -> Float64Array:
    """Square pixels of each box, float64 [N]; 0 where left >= right or top >= bottom.

    In double precision, because the square of a float32 coordinate can overflow float32.
    """
    wide = boxes.astype(np.float64)
    sides = np.maximum(0.0, wide[:, 2:] - wide[:, :2])
    return np.asarray(sides[:, 0] * sides[:, 1])


def _overlaps(a: Float64Array, b: Float64Array) -> Float64Array:
    """Intersection over union of broadcastable boxes [..., 4]; 0 where both are without area."""
    sides = np.maximum(0.0, np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]))
    shared = sides[..., 0] * sides[..., 1]
    own = np.maximum(0.0, a[..., 2:] - a[..., :2]).prod(axis=-1)
    other = np.maximum(0.0, b[..., 2:] - b[..., :2]).prod(axis=-1)
    union = own + other - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(union), where=union > 0))


def iou_matrix(a: Float32Array, b: Float32Array) -> Float32Array:
    """Intersection over union of every box of `a` [N, 4] with every one of `b` [M, 4]: float32 [N, M]."""
    overlaps = _overlaps(a.astype(np.float64)[:, None], b.astype(np.float64)[None, :])
    return np.asarray(overlaps, dtype=np.float32)


def clip_boxes(boxes: Float32Array, width: float, height: float) -> Float32Array:
    """Boxes cut at the edges of an image of width x height pixels, float32 [N, 4]."""
    limits = np.array([width, height, width, height], dtype=np.float32)
    return np.asarray(np.clip(boxes, np.float32(0.0), limits), dtype=np.float32)


def nms(boxes: Float32Array, scores: Float32Array, iou: float) -> Indices:
    """Greedy non-maximum suppression, class-agnostic; see `nms_per_class`."""
    return nms_per_class(boxes, scores, np.zeros(len(scores), dtype=np.int64), iou, len(scores))


def nms_per_class(
    boxes: Float32Array, scores: Float32Array, classes: NDArray[np.integer], iou: float, max_det: int
) -> Indices:
    """Greedy non-maximum suppression among boxes of one class.

    The best box left is kept, and every one of its class that overlaps it by more than `iou` goes; again,
    until none is left or `max_det` are kept. Equal scores keep the order of the input.

    Args:
        boxes: float32 [N, 4].
        scores: float32 [N], none NaN.
        classes: integer [N].
        iou: intersection over union, 0..1.
        max_det: how many to keep at most, over all classes.

    Returns:
        int64 indices of the kept boxes, best first.

    Raises:
        ValueError: the arrays are of different lengths.
    """
    lengths = f"{boxes.shape}, {scores.shape}, {classes.shape}"
    require(boxes.shape == (len(scores), 4) and scores.shape == classes.shape, f"shapes differ: {lengths}")
    wide = boxes.astype(np.float64)
    remaining = np.argsort(-scores, kind="stable").astype(np.int64)
    kept: list[int] = []
    while len(remaining) and len(kept) < max_det:
        best, remaining = remaining[0], remaining[1:]
        kept.append(int(best))
        rivals = np.flatnonzero(classes[remaining] == classes[best])
        suppressed = rivals[_overlaps(wide[best], wide[remaining[rivals]]) > iou]
        remaining = np.delete(remaining, suppressed)
    return np.array(kept, dtype=np.int64)
