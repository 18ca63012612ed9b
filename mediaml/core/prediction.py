"""What a model predicts for a frame: labels, boxes, embeddings, pictures.

Boxes are in displayed source pixels: origin at the top left corner of the image as a person sees it, x to the
right, y down, edges at pixel borders.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.errors import require

# Pairs of the 17 keypoints of COCO persons, from 0. Source: `skeleton` of COCO's person_keypoints files.
COCO_SKELETON = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8),
    (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Label:
    """A name with a confidence, 0..1."""

    name: str
    score: float

    def __post_init__(self) -> None:
        require(0.0 <= self.score <= 1.0, f"score of {self.name!r} must be in 0..1, not {self.score}")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in displayed source pixels: left <= right, top <= bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        require(all(map(math.isfinite, self.corners)), f"box must be finite, not {self.corners}")
        require(
            self.left <= self.right and self.top <= self.bottom,
            f"box must have left <= right and top <= bottom, not {self.corners}",
        )

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom."""
        return (self.left, self.top, self.right, self.bottom)


Polygon = tuple[tuple[float, float], ...]
"""At least three corners (x, y) in displayed source pixels; the last one is joined to the first."""


@dataclass(frozen=True, slots=True)
class Keypoint:
    """A point of an object, such as a person's left wrist: displayed source pixels and a confidence, 0..1."""

    x: float
    y: float
    score: float = 1.0

    def __post_init__(self) -> None:
        place = (self.x, self.y)
        require(all(map(math.isfinite, place)), f"keypoint must be finite, not {place}")
        require(0.0 <= self.score <= 1.0, f"score of a keypoint must be in 0..1, not {self.score}")


@dataclass(frozen=True, slots=True)
class Detection:
    """A labelled box, and the object's shape where a model finds it.

    Attributes:
        label: what it is.
        box: its upright bounding box.
        track: number of the object across frames, where objects are followed.
        outline: the object's polygons, of a segmentation or of a rotated box; empty where there are none.
        keypoints: in the order that the model's skeleton has; empty where there are none.
    """

    label: Label
    box: Box
    track: int | None = None
    outline: tuple[Polygon, ...] = ()
    keypoints: tuple[Keypoint, ...] = ()

    def __post_init__(self) -> None:
        require(all(len(ring) >= 3 for ring in self.outline), "an outline has at least three corners")
        require(
            all(math.isfinite(value) for ring in self.outline for corner in ring for value in corner),
            "an outline must be finite",
        )

    def placed(self, x: float, y: float, left: float = 0.0, top: float = 0.0) -> Detection:
        """The same on an image that was scaled by `x` and `y`, then moved by `left` and `top` pixels."""
        box = self.box
        return replace(
            self,
            box=Box(box.left * x + left, box.top * y + top, box.right * x + left, box.bottom * y + top),
            outline=tuple(tuple((a * x + left, b * y + top) for a, b in ring) for ring in self.outline),
            keypoints=tuple(Keypoint(p.x * x + left, p.y * y + top, p.score) for p in self.keypoints),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A feature vector: float32 [dimensions]."""

    vector: Float32Array = field(repr=False)

    def __post_init__(self) -> None:
        require(self.vector.ndim == 1, f"an embedding has one axis, not shape {self.vector.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image that an image model returns: uint8 RGB, height x width x 3."""

    image: UInt8Array = field(repr=False)

    def __post_init__(self) -> None:
        require(
            self.image.dtype == np.uint8 and self.image.ndim == 3 and self.image.shape[2] == 3,
            f"a picture is uint8 [height, width, 3], not {self.image.dtype} {self.image.shape}",
        )


Answer = Label | Detection | Embedding | Picture


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model predicted for one frame. Nothing found is empty; a failure is never a prediction."""

    labels: tuple[Label, ...] = ()
    detections: tuple[Detection, ...] = ()
    embedding: Embedding | None = None
    picture: Picture | None = None

    @classmethod
    def of(cls, answer: Prediction | Answer | Iterable[Answer]) -> Prediction:
        """Turn a plugin's result for one frame into a prediction.

        Raises:
            TypeError: something is neither a label, detection, embedding nor picture.
        """
        if isinstance(answer, Prediction):
            return answer
        items = (answer,) if isinstance(answer, Answer) else tuple(answer)
        for item in items:
            if not isinstance(item, Answer):
                raise TypeError(f"a model returns labels, detections, embeddings or pictures, not {item!r}")
        embeddings = [item for item in items if isinstance(item, Embedding)]
        pictures = [item for item in items if isinstance(item, Picture)]
        if len(embeddings) > 1 or len(pictures) > 1:
            raise TypeError("a model returns at most one embedding and one picture per frame")
        return cls(
            labels=tuple(item for item in items if isinstance(item, Label)),
            detections=tuple(item for item in items if isinstance(item, Detection)),
            embedding=embeddings[0] if embeddings else None,
            picture=pictures[0] if pictures else None,
        )
