"""How far two lists of detections are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scripts.golden.case import Found
from scripts.golden.picture import HEIGHT, WIDTH


@dataclass(frozen=True)
class Differences:
    """Largest differences of paired detections.

    Attributes:
        ours, theirs: how many there are.
        box, keypoint: pixels. score: of boxes and keypoints. outline: 1 - IoU of the areas.
    """

    ours: int
    theirs: int
    box: float = 0.0
    score: float = 0.0
    keypoint: float = 0.0
    outline: float = 0.0


def compare(ours: Sequence[Found], theirs: Sequence[Found]) -> Differences:
    """Pair detections of one label, nearest boxes and scores first, and measure.

    Where one has no partner, the differences are infinite.
    """
    left = list(range(len(theirs)))
    worst = Differences(len(ours), len(theirs))
    if len(ours) != len(theirs):
        return worst
    for one in ours:
        index = min(left, key=lambda place: _distance(one, theirs[place]))
        left.remove(index)
        worst = _worse(worst, one, theirs[index])
    return worst


def _distance(one: Found, other: Found) -> float:
    if one.label != other.label:
        return float("inf")
    apart = np.abs(np.subtract(one.box, other.box)).max() if one.box and other.box else 0.0
    return float(apart) + 100 * abs(one.score - other.score)


def _worse(worst: Differences, one: Found, other: Found) -> Differences:
    if one.label != other.label:
        return Differences(worst.ours, worst.theirs, *[float("inf")] * 4)
    points, theirs = np.array(one.keypoints), np.array(other.keypoints)
    keypoint = float(np.abs(points[:, :2] - theirs[:, :2]).max()) if len(points) else 0.0
    seen = float(np.abs(points[:, 2] - theirs[:, 2]).max()) if len(points) and theirs.shape[1] == 3 else 0.0
    box = float(np.abs(np.subtract(one.box, other.box)).max()) if one.box or other.box else 0.0
    return Differences(
        worst.ours,
        worst.theirs,
        max(worst.box, box),
        max(worst.score, abs(one.score - other.score), seen),
        max(worst.keypoint, keypoint),
        max(worst.outline, _outline(one, other)),
    )


def _outline(one: Found, other: Found) -> float:
    if not one.outline and not other.outline:
        return 0.0
    ours, theirs = _area(one), _area(other)
    both = int((ours | theirs).sum())
    return 1.0 - int((ours & theirs).sum()) / both if both else 0.0


def _area(found: Found) -> NDArray[np.bool_]:
    """The pixels inside an outline, eight times as fine as the picture."""
    canvas = np.zeros((8 * HEIGHT, 8 * WIDTH), np.uint8)
    for ring in found.outline:
        cv2.fillPoly(canvas, [np.rint(8 * np.array(ring)).astype(np.int32)], 1)
    return canvas > 0
