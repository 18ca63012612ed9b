"""What a network says of an object beyond its box: an outline, keypoints, a rotation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mediaml.plugin import Array, Float32Array
from mediaml_yolo.candidates import Candidates

MOST_ROTATED = 3000
"""Rotated candidates that enter the suppression, best first."""


def outline_of(
    masks: Float32Array, weights: Array, box: Array, width: int, height: int
) -> list[NDArray[np.float32]] | None:
    """The outer contours of an object's mask; `None` where the mask is empty.

    The weighed masks are enlarged to the input, cut at zero and at the box, as ultralytics' `process_mask`
    does.

    Args:
        masks: float32 [M, h, w]. weights: float32 [M].
        box: left, top, right, bottom in pixels of the network's input of width x height.

    Returns:
        float32 [corners, 2] for every contour of at least three corners, in pixels of the input.
    """
    count, rows, columns = masks.shape
    weighed = (weights @ masks.reshape(count, -1)).reshape(rows, columns).astype(np.float32)
    inside = (cv2.resize(weighed, (width, height), interpolation=cv2.INTER_LINEAR) > 0).astype(np.uint8)
    left, top = (int(np.ceil(max(0.0, float(side)))) for side in box[:2])
    right, bottom = (int(np.ceil(max(0.0, float(side)))) for side in box[2:])
    part = np.ascontiguousarray(inside[top:bottom, left:right])
    if not part.any():
        return None
    found, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    place = np.array([left, top], np.float32)
    contours = [contour.reshape(-1, 2).astype(np.float32) + place for contour in found]
    return [contour for contour in contours if len(contour) >= 3]


def rotated_corners(boxes: Float32Array, angles: Array) -> Float32Array:
    """The corners of rotated boxes, float32 [N, 4, 2].

    Args:
        boxes: float32 [N, 4] left, top, right, bottom before the rotation about their centres.
        angles: [N] radians, clockwise as seen.
    """
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    along = np.concatenate([cos, sin], axis=1) * sides[:, :1] / 2
    across = np.concatenate([-sin, cos], axis=1) * sides[:, 1:] / 2
    corners = [centres + along + across, centres + along - across]
    corners += [centres - along - across, centres - along + across]
    return np.asarray(np.stack(corners, axis=1), dtype=np.float32)


def suppressed_rotated(found: Candidates, iou: float, max_det: int, *, agnostic: bool) -> Candidates:
    """What remains of rotated boxes where each is dropped that a better one of its class overlaps.

    Overlap is the probabilistic IoU of boxes as Gaussians (Llerena et al. 2021, arXiv 2106.06072). A box that
    is dropped still drops others: the fast suppression of YOLACT (Bolya et al. 2019), as ultralytics has it.
    """
    best = found.best(MOST_ROTATED).ordered(MOST_ROTATED)
    boxes, angles = best.boxes.astype(np.float64), best.extras[:, 0].astype(np.float64)
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    spread = _covariances(sides, angles)
    keep = np.ones(len(boxes), dtype=bool)
    for index in range(1, len(boxes)):
        better = slice(0, index)
        rivals = np.ones(index, bool) if agnostic else best.classes[better] == best.classes[index]
        overlaps = _probabilistic_iou(
            centres[index], spread[index], centres[better][rivals], spread[better][rivals]
        )
        keep[index] = not (overlaps > iou).any()
    return best.take(np.flatnonzero(keep)[:max_det])


def _covariances(sides: Array, angles: Array) -> Array:
    """The matrices [[a, c], [c, b]] of boxes as Gaussians: a, b, c, float64 [N, 3]."""
    along, across = sides[:, 0] ** 2 / 12, sides[:, 1] ** 2 / 12
    cos, sin = np.cos(angles), np.sin(angles)
    values = [
        along * cos**2 + across * sin**2,
        along * sin**2 + across * cos**2,
        (along - across) * cos * sin,
    ]
    spread: Array = np.stack(values, axis=1)
    return spread


def _probabilistic_iou(centre: Array, spread: Array, centres: Array, spreads: Array) -> Array:
    """One minus the Hellinger distance of a Gaussian to others, [N]."""
    eps = 1e-7
    a, b, c = (spread + spreads).T
    dx, dy = (centre - centres).T
    determinant = a * b - c**2
    first = (a * dy**2 + b * dx**2) / (determinant + eps) / 4 - c * dx * dy / (determinant + eps) / 2
    own = np.maximum(spread[0] * spread[1] - spread[2] ** 2, 0)
    others = np.maximum(spreads[:, 0] * spreads[:, 1] - spreads[:, 2] ** 2, 0)
    second = np.log(determinant / (4 * np.sqrt(own * others) + eps) + eps) / 2
    distance = np.sqrt(1.0 - np.exp(-np.clip(first + second, eps, 100.0)) + eps)
    overlap: Array = 1.0 - distance
    return overlap
