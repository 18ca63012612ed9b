"""The roles of a detector graph's inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mediaml.plugin import ModelError, Session, TensorSpec


@dataclass(frozen=True, slots=True)
class DetectorGraph:
    """Names of a detector's inputs and outputs.

    Attributes:
        interface: `detector/1`, mediaml's own (docs/darknet.md), or `zoo-yolov3`, the ONNX model zoo's yolov3
            and tiny-yolov3 with their NMS inside.
        image: the image input; `detector/1`: uint8 [batch, height, width, 3] RGB; `zoo-yolov3`: float32
            [1, 3, height, width] RGB 0..1.
        boxes: output of boxes; `detector/1`: left, top, right, bottom in input pixels, float32
            [batch, anchors, 4]; `zoo-yolov3`: top, left, bottom, right in the pixels of `image_shape`,
            float32 [1, anchors, 4].
        scores: output of scores, float32; `detector/1`: [batch, anchors, classes]; `zoo-yolov3`:
            [1, classes, anchors].
        image_shape: the input for the image's own height and width, float32 [1, 2]; only `zoo-yolov3`.
        indices: output of the chosen (batch, class, anchor), int32 [k, 3] or [1, k, 3]; only `zoo-yolov3`.
    """

    interface: Literal["detector/1", "zoo-yolov3"]
    image: str
    boxes: str
    scores: str
    image_shape: str | None = None
    indices: str | None = None


def detector_graph(session: Session) -> DetectorGraph:
    """The inputs and outputs of a detector and what they are for.

    Raises:
        ModelError: the graph has no detector interface that this plugin knows; names what it has.
    """
    if session.interface == "detector/1":
        return DetectorGraph("detector/1", session.inputs[0].name, "boxes", "scores")
    if session.interface == "zoo-yolov3":
        shape, image = sorted(session.inputs, key=lambda spec: len(spec.shape))
        boxes, scores, indices = session.outputs
        return DetectorGraph("zoo-yolov3", image.name, boxes.name, scores.name, shape.name, indices.name)
    has = f"inputs {_listed(session.inputs)} and outputs {_listed(session.outputs)}"
    raise ModelError(
        f"{session.name} is not a detector that yolo can run: it has {has}{_kind(session)}.",
        "A detector takes `images` uint8 [batch, height, width, 3] to `boxes` and `scores`, as "
        "`mediaml models import` writes it, or is the ONNX zoo's yolov3 with `input_1` and `image_shape`.",
    )


def _kind(session: Session) -> str:
    """What the graph probably is, where that is known."""
    kinds = {"yolox": " (a raw YOLOX grid)", "classifier/1": " (a classifier)"}
    return kinds.get(session.interface, "")


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(map(str, specs)) or "none"
