"""Lines and areas as masks of the pixels that they cover: outlines, keypoints, trails, boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from mediaml.core.prediction import COCO_SKELETON, Box, Detection, Keypoint

LEAST_SHOWN = 0.25
"""Score below which a keypoint is not drawn: what detectors ask of a box."""
# cv2 takes coordinates as whole numbers of 1/16 pixel.
_FRACTION = 4


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Some pixels of an image.

    Attributes:
        pixels: bool [height, width].
        left, top: where they are in the image, even.
    """

    pixels: NDArray[np.bool_] = field(repr=False)
    left: int
    top: int

    @property
    def chroma(self) -> NDArray[np.bool_]:
        """The samples of a plane of half the size of which one pixel at least is in the mask."""
        full = np.pad(self.pixels, [(0, length % 2) for length in self.pixels.shape])
        return np.asarray(full[::2, ::2] | full[::2, 1::2] | full[1::2, ::2] | full[1::2, 1::2])


def stroke_of(detection: Detection, line: int, width: int, height: int) -> Mask | None:
    """The outline, the keypoints and, of a COCO person, the skeleton of an object.

    Args:
        line: thickness of the lines, pixels.
        width, height: of the image; what is beyond it is left out.

    Returns:
        `None` where nothing is in the image.
    """
    shown = [point for point in detection.keypoints if point.score >= LEAST_SHOWN]
    places = [(x, y) for ring in detection.outline for x, y in ring] + [(p.x, p.y) for p in shown]
    if not places:
        return None
    left, top, right, bottom = span_of(np.asarray(places, np.float64), 3 * line, width, height)
    if left >= right or top >= bottom:
        return None
    mask = np.zeros((bottom - top, right - left), np.uint8)
    # Within these bounds cv2's whole numbers cannot overflow.
    far = 4.0 * (width + height)
    for ring in detection.outline:
        corners = _fixed(np.clip(np.asarray(ring, np.float64), -far, far) - (left, top))
        cv2.polylines(mask, [corners], True, 255, line, cv2.LINE_8, _FRACTION)
    for start, end in _bones(detection.keypoints):
        ends = _fixed(np.clip([(start.x, start.y), (end.x, end.y)], -far, far) - (left, top))
        cv2.polylines(mask, [ends], False, 255, line, cv2.LINE_8, _FRACTION)
    for point in shown:
        centre = _fixed(np.clip([(point.x, point.y)], -far, far) - (left, top))[0].tolist()
        cv2.circle(mask, centre, round(1.5 * line) << _FRACTION, 255, cv2.FILLED, cv2.LINE_8, _FRACTION)
    return Mask(mask > 0, left, top)


def filled_mask(detection: Detection, width: int, height: int, within: Box | None = None) -> Mask | None:
    """All pixels of an object's outline, or of its box where it has none; `None` outside of the image.

    Args:
        width, height: of the image.
        within: the mask covers at least this box of the image, so that it can be made to grow.
    """
    left, top, right, bottom = detection.box.corners if within is None else within.corners
    left, top, right, bottom = span_of(np.array([(left, top), (right, bottom)]), 0, width, height)
    if left >= right or top >= bottom:
        return None
    if not detection.outline:
        return Mask(np.ones((bottom - top, right - left), bool), left, top)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    far = 4.0 * (width + height)
    rings = [
        _fixed(np.clip(np.asarray(ring, np.float64), -far, far) - (left, top)) for ring in detection.outline
    ]
    for ring in rings:  # each by itself: together, overlapping ones would leave holes
        cv2.fillPoly(mask, [ring], 255, cv2.LINE_8, _FRACTION)
    return Mask(mask > 0, left, top)


def path_mask(places: Sequence[tuple[float, float]], line: int, width: int, height: int) -> Mask | None:
    """A line through places, which becomes thicker up to `line` at its end; a dot marks the end.

    Returns:
        `None` where nothing is in the image.
    """
    left, top, right, bottom = span_of(np.asarray(places, np.float64), 3 * line, width, height)
    if left >= right or top >= bottom:
        return None
    mask = np.zeros((bottom - top, right - left), np.uint8)
    far = 4.0 * (width + height)
    corners = _fixed(np.clip(np.asarray(places, np.float64), -far, far) - (left, top))
    for number, (start, end) in enumerate(pairwise(corners), 1):
        thickness = max(1, round(line * number / (len(corners) - 1)))
        cv2.polylines(mask, [np.stack([start, end])], False, 255, thickness, cv2.LINE_8, _FRACTION)
    cv2.circle(mask, corners[-1].tolist(), line << _FRACTION, 255, cv2.FILLED, cv2.LINE_8, _FRACTION)
    return Mask(mask > 0, left, top)


def _bones(keypoints: Sequence[Keypoint]) -> list[tuple[Keypoint, Keypoint]]:
    if len(keypoints) != 17:
        return []
    pairs = [(keypoints[a], keypoints[b]) for a, b in COCO_SKELETON]
    return [(a, b) for a, b in pairs if min(a.score, b.score) >= LEAST_SHOWN]


def span_of(places: NDArray[np.float64], margin: int, width: int, height: int) -> tuple[int, int, int, int]:
    """The part of the image that holds all places and a margin; left and top are even."""
    low = np.clip(np.floor(places.min(axis=0)) - margin, 0, (width, height)).astype(int)
    high = np.clip(np.ceil(places.max(axis=0)) + margin + 1, 0, (width, height)).astype(int)
    return int(low[0]) & ~1, int(low[1]) & ~1, int(high[0]), int(high[1])


def _fixed(corners: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(corners * (1 << _FRACTION)).astype(np.int32)
