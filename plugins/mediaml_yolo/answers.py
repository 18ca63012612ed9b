"""Candidates in pixels of the network's input to detections in displayed source pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mediaml.plugin import Array, Box, Detection, Fitting, Float32Array, Keypoint, Label, Polygon, clip_boxes
from mediaml_yolo.candidates import Candidates
from mediaml_yolo.class_names import Names
from mediaml_yolo.recognise import Layout
from mediaml_yolo.shapes import outline_of, rotated_corners

Shape = tuple[tuple[Polygon, ...], tuple[Keypoint, ...]]


def detections(found: Candidates, layout: Layout, fitting: Fitting, names: Names) -> tuple[Detection, ...]:
    """Detections of one frame, in the order of the candidates; those beyond the image's edges are dropped."""
    width, height = fitting.source_width, fitting.source_height
    upright, corners = fitting.to_source(found.boxes), None
    if layout.task == "obb":
        # As ultralytics does it: sides are scaled before they are turned.
        corners = rotated_corners(upright, found.extras[:, 0] if len(upright) else np.zeros(0))
        upright = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    boxes = clip_boxes(upright, width, height)
    visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    answers = []
    for index in np.flatnonzero(visible):
        shape = _shape(found, int(index), layout, fitting, corners)
        if shape is not None:
            label = Label(names.of(int(found.classes[index])), float(found.scores[index]))
            answers.append(Detection(label, Box(*boxes[index].tolist()), None, *shape))
    return tuple(answers)


def _shape(
    found: Candidates, index: int, layout: Layout, fitting: Fitting, corners: Float32Array | None
) -> Shape | None:
    """Outline and keypoints of a candidate; `None` for one whose mask is empty, which is none."""
    if corners is not None:
        return ((_polygon(corners[index]),), ())
    if layout.task == "segment" and found.masks is not None:
        contours = outline_of(
            found.masks, found.extras[index], found.boxes[index], fitting.width, fitting.height
        )
        if contours is None:
            return None
        return (tuple(_polygon(_to_source(contour, fitting)) for contour in contours), ())
    if layout.task == "pose":
        return ((), tuple(_keypoints(found.extras[index], layout, fitting)))
    return ((), ())


def _polygon(points: Array) -> Polygon:
    return tuple((float(x), float(y)) for x, y in points)


def _keypoints(values: Array, layout: Layout, fitting: Fitting) -> Iterator[Keypoint]:
    points = values.reshape(layout.keypoints)
    scores = np.clip(points[:, 2], 0, 1) if layout.keypoints[1] == 3 else np.ones(len(points))
    for (x, y), score in zip(_to_source(points[:, :2], fitting), scores, strict=True):
        yield Keypoint(float(x), float(y), float(score))


def _to_source(points: Array, fitting: Fitting) -> Float32Array:
    """Points [N, 2] in pixels of the input to source pixels, cut at the image's edges."""
    doubled = fitting.to_source(np.concatenate([points, points], axis=1).astype(np.float32))
    return np.asarray(
        np.clip(doubled[:, :2], 0, (fitting.source_width, fitting.source_height)), dtype=np.float32
    )
