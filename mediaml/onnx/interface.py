"""Which detector interface a graph speaks, told by its inputs and outputs alone, never by its file name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mediaml.core.errors import ModelError
from mediaml.onnx.session import Session, TensorSpec

Interface = Literal["detector/1", "zoo-yolov3"]


@dataclass(frozen=True, slots=True)
class DetectorGraph:
    """Names of a detector's inputs and outputs.

    Attributes:
        interface: `detector/1`, mediaml's own (docs/darknet.md), or `zoo-yolov3`, the ONNX model zoo's yolov3
            and tiny-yolov3 with their NMS inside.
        image: the input for pictures; `detector/1`: uint8 [batch, height, width, 3] RGB; `zoo-yolov3`:
            float32 [1, 3, height, width] RGB 0..1.
        image_shape: the input for the picture's own height and width, float32 [1, 2]; only `zoo-yolov3`.
        boxes: output of boxes; `detector/1`: left, top, right, bottom in input pixels, float32
            [batch, anchors, 4]; `zoo-yolov3`: top, left, bottom, right in the pixels of `image_shape`,
            float32 [1, anchors, 4].
        scores: output of scores, float32; `detector/1`: [batch, anchors, classes]; `zoo-yolov3`:
            [1, classes, anchors].
        indices: output of the chosen (batch, class, anchor), int32 [k, 3] or [1, k, 3]; only `zoo-yolov3`.
    """

    interface: Interface
    image: str
    boxes: str
    scores: str
    image_shape: str | None = None
    indices: str | None = None


def detector_interface(session: Session) -> Interface:
    """The detector interface that a model speaks.

    Raises:
        ModelError: none that mediaml knows; says what inputs and outputs the model has.
    """
    return detector_graph(session).interface


def detector_graph(session: Session) -> DetectorGraph:
    """The inputs and outputs of a detector and what they are for.

    Raises:
        ModelError: the graph speaks no detector interface that mediaml knows; says what it has instead.
    """
    graph = find_detector_graph(session.inputs, session.outputs)
    if graph is not None:
        return graph
    has = f"{session.name} has inputs {_listed(session.inputs)} and outputs {_listed(session.outputs)}"
    if is_yolox_grid(session.inputs, session.outputs):
        has += " (a raw YOLOX grid)"
    raise ModelError(
        f"{has}, which is no detector interface that mediaml knows",
        "A detector takes `images` uint8 [batch, height, width, 3] to `boxes` and `scores`, as "
        "`mediaml models import` writes it, or is the ONNX zoo's yolov3 with `input_1` and `image_shape`.",
    )


def find_detector_graph(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> DetectorGraph | None:
    """The detector interface that these inputs and outputs are, or `None`."""
    return _own_graph(inputs, outputs) or _zoo_graph(inputs, outputs)


def is_yolox_grid(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> bool:
    """Whether this is YOLOX's export: float32 NCHW in, one grid [batch, cells, 5 + classes] out.

    The number of cells tells it from others: one for every 8x8, 16x16 and 32x32 pixels.
    """
    if len(inputs) != 1 or len(outputs) != 1:
        return False
    image, grid = inputs[0], outputs[0]
    if image.dtype != "float32" or not _fits(image, (None, 3, None, None)) or len(grid.shape) != 3:
        return False
    height, width, cells, values = *image.shape[2:], *grid.shape[1:]
    if height is None or width is None or values is None:
        return False
    return values > 5 and cells == sum((height // stride) * (width // stride) for stride in (8, 16, 32))


def _own_graph(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> DetectorGraph | None:
    named = {spec.name: spec for spec in outputs}
    if len(inputs) != 1 or not {"boxes", "scores"} <= named.keys():
        return None
    fits = (
        inputs[0].dtype == "uint8"
        and _fits(inputs[0], (None, None, None, 3))
        and _fits(named["boxes"], (None, None, 4))
        and _fits(named["scores"], (None, None, None))
    )
    return DetectorGraph("detector/1", inputs[0].name, "boxes", "scores") if fits else None


def _zoo_graph(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> DetectorGraph | None:
    images = [spec for spec in inputs if spec.dtype == "float32" and _fits(spec, (None, 3, None, None))]
    shapes = [spec for spec in inputs if spec.dtype == "float32" and _fits(spec, (None, 2))]
    if len(inputs) != 2 or len(outputs) != 3 or len(images) != 1 or len(shapes) != 1:
        return None
    boxes, scores, indices = outputs
    fits = (
        _fits(boxes, (None, None, 4))
        and _fits(scores, (None, None, None))
        and indices.dtype in {"int32", "int64"}
        and (_fits(indices, (None, 3)) or _fits(indices, (None, None, 3)))
    )
    if not fits:
        return None
    return DetectorGraph("zoo-yolov3", images[0].name, boxes.name, scores.name, shapes[0].name, indices.name)


def _fits(spec: TensorSpec, shape: tuple[int | None, ...]) -> bool:
    """Whether a tensor may have this shape; `None` is free on either side."""
    if len(spec.shape) != len(shape):
        return False
    return all(
        wanted is None or size is None or size == wanted
        for size, wanted in zip(spec.shape, shape, strict=True)
    )


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(map(str, specs)) or "none"
