"""What is wrong with a model's answers, and how two answers differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mediaml.core.frame import Frame
from mediaml.core.prediction import Detection, Label, Prediction
from mediaml.registry.spec import ModelSpec

_EDGE = 1.0
"""Pixels that a box may reach over the edge of its picture, by rounding."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two answers may be apart.

    Attributes:
        score: of labels and detections. box: of corners, pixels. vector: 1 - cosine similarity.
        pixel: of pictures, levels of 255.
    """

    score: float = 0.0
    box: float = 0.0
    vector: float = 0.0
    pixel: int = 0


EXACT = Tolerance()
CLOSE = Tolerance(score=1e-3, box=0.5, vector=1e-4, pixel=2)
NEAR = Tolerance(score=1e-2, box=1.0, vector=1e-3, pixel=4)


def fault(prediction: Prediction, frame: Frame, spec: ModelSpec) -> tuple[str, str]:
    """What is wrong with an answer, and what to do about it; two empty texts where nothing is."""
    named = [*prediction.labels, *(found.label for found in prediction.detections)]
    if any(not label.name.strip() for label in named):
        return "a label has an empty name", "Give every class a name."
    outside = [box for box in prediction.detections if not _is_inside(box, frame)]
    if outside:
        corners = tuple(round(value, 1) for value in outside[0].box.corners)
        return (
            f"the box {corners} is outside of {frame.width}x{frame.height}",
            "Clip boxes: clip_boxes(boxes, frame.width, frame.height).",
        )
    if spec.task == "embed":
        return _vector_fault(prediction)
    if spec.task == "transform" and prediction.picture is None:
        return "no picture", "A model of the task transform returns one Picture per frame."
    if spec.task == "classify" and prediction.detections:
        return "boxes", "A model of the task classify returns labels; say task='detect' in the ModelSpec."
    return "", ""


def _is_inside(found: Detection, frame: Frame) -> bool:
    left, top, right, bottom = found.box.corners
    return min(left, top) >= -_EDGE and right <= frame.width + _EDGE and bottom <= frame.height + _EDGE


def _vector_fault(prediction: Prediction) -> tuple[str, str]:
    if prediction.embedding is None:
        return "no embedding", "A model of the task embed returns one Embedding per frame."
    vector = prediction.embedding.vector
    if not np.isfinite(vector).all():
        return "the vector is not finite", "Add a small number before dividing by the length."
    return ("", "") if vector.any() else ("the vector is zero", "A zero vector is similar to nothing.")


def difference(one: Prediction, other: Prediction, within: Tolerance) -> str:
    """How two answers for one frame differ; empty where they do not."""
    counts = [(len(answer.labels), len(answer.detections)) for answer in (one, other)]
    if counts[0] != counts[1]:
        (labels, boxes), (labels_too, boxes_too) = counts
        return f"{labels} labels and {boxes} boxes, or {labels_too} and {boxes_too}"
    for label, again in zip(_labels(one), _labels(other), strict=True):
        if said := _label_difference(label, again, within):
            return said
    for found, moved in zip(_boxes(one), _boxes(other), strict=True):
        if said := _label_difference(found.label, moved.label, within):
            return said
        apart = float(np.abs(np.subtract(found.box.corners, moved.box.corners)).max())
        if apart > within.box:
            return f"a box of {found.label.name!r} moves by {apart:.2g} pixels"
    return _vector_difference(one, other, within) or _picture_difference(one, other, within)


def _labels(prediction: Prediction) -> list[Label]:
    return sorted(prediction.labels, key=lambda label: label.name)


def _boxes(prediction: Prediction) -> list[Detection]:
    """In an order that a little noise does not change."""
    return sorted(
        prediction.detections,
        key=lambda found: (found.label.name, *(round(value / 4) for value in found.box.corners)),
    )


def _label_difference(label: Label, again: Label, within: Tolerance) -> str:
    if label.name != again.name:
        return f"{label.name!r}, or {again.name!r}"
    apart = abs(label.score - again.score)
    return f"the score of {label.name!r} differs by {apart:.2g}" if apart > within.score else ""


def _vector_difference(one: Prediction, other: Prediction, within: Tolerance) -> str:
    if one.embedding is None or other.embedding is None:
        return "" if one.embedding is other.embedding else "an embedding, or none"
    a, b = one.embedding.vector.astype(np.float64), other.embedding.vector.astype(np.float64)
    if a.shape != b.shape:
        return f"{a.size} dimensions, or {b.size}"
    if np.array_equal(a, b):
        return ""
    apart = 1 - float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b) or 1)
    return (
        f"the cosine similarity of the vectors is {1 - apart:.5f}"
        if apart > within.vector or not within.vector
        else ""
    )


def _picture_difference(one: Prediction, other: Prediction, within: Tolerance) -> str:
    if one.picture is None or other.picture is None:
        return "" if one.picture is other.picture else "a picture, or none"
    a, b = one.picture.image, other.picture.image
    if a.shape != b.shape:
        return f"pictures of {a.shape[1]}x{a.shape[0]}, or {b.shape[1]}x{b.shape[0]}"
    apart = int(np.abs(a.astype(np.int16) - b).max())
    return f"a pixel differs by {apart} levels" if apart > within.pixel else ""
