"""IoU and non-maximum suppression, by their properties and against OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mediaml.core.arrays import Float32Array
from mediaml.ops.boxes import area, clip_boxes, iou_matrix, nms, nms_per_class

COORDINATES = st.floats(-1000, 1000, width=32)


@st.composite
def scored_boxes(draw: st.DrawFn) -> tuple[Float32Array, Float32Array, np.ndarray]:
    """Boxes on a coarse grid, so that they overlap, with scores and classes."""
    count = draw(st.integers(0, 25))
    corners = draw(arrays(np.float32, (count, 2), elements=st.integers(0, 12).map(float)))
    sides = draw(arrays(np.float32, (count, 2), elements=st.integers(1, 8).map(float)))
    scores = draw(arrays(np.float32, count, elements=st.integers(1, 100).map(lambda value: value / 100)))
    classes = draw(arrays(np.int64, count, elements=st.integers(0, 2)))
    return np.concatenate([corners, corners + sides], axis=1), scores, classes


def random_boxes(count: int, seed: int) -> tuple[Float32Array, Float32Array, np.ndarray]:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 300, (count, 2))
    boxes = np.concatenate([corners, corners + random.uniform(20, 150, (count, 2))], axis=1)
    scores = random.permutation(np.linspace(0.05, 0.95, count))
    return boxes.astype(np.float32), scores.astype(np.float32), random.integers(0, 4, count)


@given(arrays(np.float32, (4, 4), elements=COORDINATES), arrays(np.float32, (3, 4), elements=COORDINATES))
def test_iou_is_symmetric_and_in_0_1(a: Float32Array, b: Float32Array) -> None:
    overlaps = iou_matrix(a, b)
    assert overlaps.shape == (4, 3)
    assert overlaps.dtype == np.float32
    assert (overlaps >= 0).all()
    assert (overlaps <= 1).all()
    assert np.array_equal(overlaps, iou_matrix(b, a).T)


def test_iou_of_known_boxes() -> None:
    a = np.array([[0, 0, 2, 2]], np.float32)
    b = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [2, 0, 4, 2], [5, 5, 5, 5], [3, 3, 1, 1]], np.float32)
    np.testing.assert_allclose(iou_matrix(a, b)[0], [1, 1 / 7, 0, 0, 0], rtol=1e-6)
    assert area(b).tolist() == [4, 4, 4, 0, 0]


def test_huge_boxes_do_not_overflow() -> None:
    huge = np.array([[-3e38, -3e38, 3e38, 3e38]], np.float32)
    assert iou_matrix(huge, huge).tolist() == [[1.0]]


@given(arrays(np.float32, (5, 4), elements=COORDINATES))
def test_clipped_boxes_lie_inside(boxes: Float32Array) -> None:
    clipped = clip_boxes(boxes, 64, 48)
    assert clipped.dtype == np.float32
    assert (clipped >= 0).all()
    assert (clipped[:, [0, 2]] <= 64).all()
    assert (clipped[:, [1, 3]] <= 48).all()
    inside = (boxes >= 0).all(axis=1) & (boxes <= [64, 48, 64, 48]).all(axis=1)
    assert np.array_equal(clipped[inside], boxes[inside])


@given(scored_boxes(), st.sampled_from([0.0, 0.3, 0.45, 0.7, 1.0]))
def test_nms_keeps_the_best_and_nothing_that_overlaps(
    found: tuple[Float32Array, Float32Array, np.ndarray], iou: float
) -> None:
    boxes, scores, classes = found
    kept = nms_per_class(boxes, scores, classes, iou, 300)
    assert kept.dtype == np.int64
    assert (np.diff(scores[kept]) <= 0).all()
    assert len(set(kept.tolist())) == len(kept)
    for kind in set(classes.tolist()):
        assert scores[classes == kind].max() in scores[kept][classes[kept] == kind]
    overlaps = iou_matrix(boxes, boxes)
    same = classes[:, None] == classes[None, :]
    among = (overlaps > iou + 1e-6) & same
    assert not (among[np.ix_(kept, kept)] & ~np.eye(len(kept), dtype=bool)).any()
    for dropped in set(range(len(boxes))) - set(kept.tolist()):
        rivals = kept[scores[kept] >= scores[dropped]]
        assert ((overlaps[dropped, rivals] > iou - 1e-6) & same[dropped, rivals]).any()


@pytest.mark.parametrize("iou", [0.2, 0.45, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_nms_equals_opencv(iou: float, seed: int) -> None:
    boxes, scores, classes = random_boxes(200, seed)
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    agnostic = cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), 0.0, iou)
    assert nms(boxes, scores, iou).tolist() == np.asarray(agnostic).tolist()
    batched = np.asarray(cv2.dnn.NMSBoxesBatched(sides.tolist(), scores.tolist(), classes.tolist(), 0.0, iou))
    ours = nms_per_class(boxes, scores, classes, iou, 1000)
    assert sorted(ours.tolist()) == sorted(batched.tolist())


def test_equal_scores_keep_the_order_and_max_det_bounds() -> None:
    boxes = np.array([[0, 0, 1, 1], [5, 5, 6, 6], [9, 9, 10, 10]], np.float32)
    scores = np.array([0.5, 0.5, 0.5], np.float32)
    assert nms(boxes, scores, 0.5).tolist() == [0, 1, 2]
    assert nms_per_class(boxes, scores, np.zeros(3, int), 0.5, 2).tolist() == [0, 1]
    assert nms_per_class(boxes[:0], scores[:0], np.zeros(0, int), 0.5, 2).tolist() == []


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        nms(np.zeros((2, 4), np.float32), np.zeros(3, np.float32), 0.5)
