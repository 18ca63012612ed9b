"""Boxes of one image against its annotated objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from mediaml.compare.diff import corners_of
from mediaml.compare.truth import Annotation
from mediaml.core.arrays import Float32Array
from mediaml.core.prediction import Detection
from mediaml.ops.matching import match_boxes

BACKGROUND = "background"
"""Row of boxes where there is no object, and column of objects without a box."""


def confusion_counts(
    truths: Sequence[str],
    objects: Float32Array,
    names: Sequence[str],
    boxes: Float32Array,
    min_iou: float,
) -> Counter[tuple[str, str]]:
    """Count (class of the object, class of the box) over one image.

    Boxes and objects are matched one to one by their overlap, whatever their classes. An object without a box
    counts as (class, background), a box without an object as (background, class).

    Args:
        truths, objects: class and corners [N, 4] of each object. names, boxes: the same of each box.
    """
    matching = match_boxes(objects, boxes, min_iou)
    counts: Counter[tuple[str, str]] = Counter()
    for row, column in zip(matching.left.tolist(), matching.right.tolist(), strict=True):
        counts[truths[row], names[column]] += 1
    for row in matching.only_left.tolist():
        counts[truths[row], BACKGROUND] += 1
    for column in matching.only_right.tolist():
        counts[BACKGROUND, names[column]] += 1
    return counts


def hits(
    found: Sequence[Detection],
    named: Sequence[str],
    objects: Sequence[Annotation],
    names: Mapping[int, str],
    min_iou: float,
) -> tuple[list[int], set[int]]:
    """Objects that have a box of their class, and the places of the boxes without an object."""
    numbers = {name: place for place, name in enumerate({*named, *names.values()})}
    classes = (
        np.asarray([numbers[names[one.category_id]] for one in objects], np.int64),
        np.asarray([numbers[name] for name in named], np.int64),
    )
    matching = match_boxes(corners_of_truth(objects), corners_of(found), min_iou, classes)
    return matching.left.tolist(), set(matching.only_right.tolist())


def over_crowds(
    found: Sequence[Detection],
    named: Sequence[str],
    crowds: Sequence[Annotation],
    names: Mapping[int, str],
    min_iou: float,
) -> set[int]:
    """Places of boxes of which a crowd of their class covers that part; COCO's overlap with a crowd."""
    over: set[int] = set()
    for crowd in crowds:
        left, top, right, bottom = crowd.corners
        for place, one in enumerate(found):
            box = one.box
            width = min(right, box.right) - max(left, box.left)
            height = min(bottom, box.bottom) - max(top, box.top)
            own = (box.right - box.left) * (box.bottom - box.top)
            inside = width > 0 and height > 0 and width * height >= min_iou * own
            if inside and named[place] == names[crowd.category_id]:
                over.add(place)
    return over


def corners_of_truth(objects: Sequence[Annotation]) -> Float32Array:
    """The boxes of annotated objects, float32 [N, 4]."""
    return np.asarray([one.corners for one in objects], np.float32).reshape(-1, 4)
