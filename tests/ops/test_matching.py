"""Boxes are matched one to one, the largest overlap first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from mediaml.ops.boxes import iou_matrix
from mediaml.ops.matching import match_boxes

box = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
boxes = st.lists(box, max_size=7).map(lambda found: np.asarray(found, np.float32).reshape(-1, 4))


@given(boxes, boxes, st.floats(0.05, 0.95))
def test_every_box_is_in_one_pair_or_alone(left: np.ndarray, right: np.ndarray, min_iou: float) -> None:
    found = match_boxes(left, right, min_iou)
    assert sorted([*found.left, *found.only_left]) == list(range(len(left)))
    assert sorted([*found.right, *found.only_right]) == list(range(len(right)))
    assert (np.diff(found.iou) <= 0).all() and (found.iou >= np.float32(min_iou)).all()
    rest = iou_matrix(left[found.only_left], right[found.only_right])
    assert (rest < np.float32(min_iou)).all(), "a pair was left out"


@given(boxes)
def test_a_set_matches_itself_in_any_order(left: np.ndarray) -> None:
    order = np.random.default_rng(0).permutation(len(left))
    found = match_boxes(left, left[order], 0.5)
    assert len(found.iou) == len(left) and np.allclose(found.iou, 1)


@given(boxes, boxes)
def test_above_one_half_overlap_it_is_the_best_assignment(left: np.ndarray, right: np.ndarray) -> None:
    # Disjoint boxes on each side can overlap at most one box by more than half: nothing to choose.
    def apart(found: np.ndarray) -> np.ndarray:
        kept: list[np.ndarray] = []
        for one in found:
            if not kept or not iou_matrix(one[None], np.asarray(kept)).any():
                kept.append(one)
        return np.asarray(kept, np.float32).reshape(-1, 4)

    left, right = apart(left), apart(right)
    overlaps = iou_matrix(left, right)
    rows, columns = linear_sum_assignment(np.where(overlaps > 0.5, overlaps, 0), maximize=True)
    best = {(r, c) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if overlaps[r, c] > 0.5}
    found = match_boxes(left, right, 0.500001)
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == best


def test_classes_keep_boxes_apart() -> None:
    one = np.asarray([[0, 0, 10, 10]], np.float32)
    classes = np.asarray([0]), np.asarray([1])
    assert len(match_boxes(one, one, 0.5, classes).left) == 0
    assert len(match_boxes(one, one, 0.5).left) == 1
