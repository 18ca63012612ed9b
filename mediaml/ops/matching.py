"""One-to-one matching of two sets of boxes by their overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array
from mediaml.ops.boxes import Indices, iou_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """Pairs of boxes and those without a partner.

    Attributes:
        left, right: int64 [pairs], indices of the boxes of each pair, the largest overlap first.
        iou: float32 [pairs], their intersection over union.
        only_left, only_right: int64, indices of the boxes without a partner, ascending.
    """

    left: Indices
    right: Indices
    iou: Float32Array
    only_left: Indices
    only_right: Indices


def match_boxes(
    left: Float32Array,
    right: Float32Array,
    min_iou: float,
    classes: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> Matching:
    """Match boxes greedily: of all pairs left the one with the largest overlap is taken, until none is left.

    Equal overlaps are taken in the order of the left boxes, then of the right ones.

    Args:
        left, right: float32 [N, 4] and [M, 4], see `mediaml.ops.boxes`.
        min_iou: least intersection over union of a pair, above 0 and at most 1.
        classes: class of each box; only boxes of one class make a pair. `None` lets any two.
    """
    overlaps = iou_matrix(left, right)
    allowed = overlaps >= np.float32(min_iou)
    if classes is not None:
        allowed &= classes[0][:, None] == classes[1][None, :]
    rows, columns = np.nonzero(allowed)
    order = np.argsort(-overlaps[rows, columns], kind="stable")
    free_left, free_right = np.ones(len(left), bool), np.ones(len(right), bool)
    pairs: list[tuple[int, int]] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if free_left[row] and free_right[column]:
            free_left[row] = free_right[column] = False
            pairs.append((row, column))
    taken = np.asarray(pairs, np.int64).reshape(-1, 2)
    return Matching(
        taken[:, 0],
        taken[:, 1],
        overlaps[taken[:, 0], taken[:, 1]],
        np.flatnonzero(free_left).astype(np.int64),
        np.flatnonzero(free_right).astype(np.int64),
    )
