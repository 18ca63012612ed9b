"""Which interface a graph has: decided by its inputs and outputs, never by its file's name.

`detector/1` and `classifier/1` are mediaml's own (docs/darknet.md); `zoo-yolov3` is the ONNX model zoo's
yolov3 and tiny-yolov3 with their non-maximum suppression inside; `yolox` a raw YOLOX grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mediaml.onnx.metadata import INTERFACE

Interface = Literal["detector/1", "classifier/1", "zoo-yolov3", "yolox", "unknown"]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A graph's input or output: its name, shape (`None` where an axis is free) and numpy dtype's name."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        axes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name} {self.dtype} [{axes}]"

    def fits(self, *shape: int | None) -> bool:
        """Whether the tensor may have this shape; `None` is free on either side."""
        return len(self.shape) == len(shape) and all(
            wanted is None or size is None or size == wanted
            for size, wanted in zip(self.shape, shape, strict=True)
        )


def tensor_specs(arguments: Iterable[Any]) -> tuple[TensorSpec, ...]:
    """Specs from ONNX Runtime's `NodeArg`s, whose type reads `tensor(float)`."""
    return tuple(map(_tensor_spec, arguments))


def _tensor_spec(argument: Any) -> TensorSpec:
    kind = argument.type.removeprefix("tensor(").removesuffix(")")
    dtype = {"float": "float32", "double": "float64"}.get(kind, kind)
    shape: Sequence[int | str | None] = argument.shape
    return TensorSpec(argument.name, tuple(size if isinstance(size, int) else None for size in shape), dtype)


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What an ONNX file says of its graph, for whoever decides how the graph is used.

    Attributes:
        path: of the file; other files may lie beside it.
        inputs, outputs: of the graph, in its order.
        metadata: the file's own key-value pairs.
        operators: the ONNX operator that makes each output, such as `Softmax`, in the order of `outputs`;
            empty where the file was not looked into.
    """

    path: Path
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    operators: tuple[str, ...] = ()


def interface_of(
    inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], metadata: Mapping[str, str]
) -> Interface:
    """The interface of a graph; the interface in its metadata counts only where inputs and outputs agree."""
    if _is_detector(inputs, outputs):
        return "detector/1"
    if _is_zoo_yolov3(inputs, outputs):
        return "zoo-yolov3"
    if _is_yolox(inputs, outputs):
        return "yolox"
    one_score_list = len(inputs) == 1 and len(outputs) >= 1 and len(outputs[0].shape) == 2
    if metadata.get(INTERFACE) == "classifier/1" and one_score_list:
        return "classifier/1"
    return "unknown"


def _is_detector(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> bool:
    """One uint8 image input to outputs that are called `boxes` and `scores`."""
    named = {spec.name: spec for spec in outputs}
    return (
        len(inputs) == 1
        and {"boxes", "scores"} <= named.keys()
        and inputs[0].dtype == "uint8"
        and inputs[0].fits(None, None, None, 3)
        and named["boxes"].fits(None, None, 4)
        and named["scores"].fits(None, None, None)
    )


def _is_zoo_yolov3(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> bool:
    """The image and its height and width to boxes, scores and indices; names differ from file to file."""
    images = [spec for spec in inputs if spec.dtype == "float32" and spec.fits(None, 3, None, None)]
    shapes = [spec for spec in inputs if spec.dtype == "float32" and spec.fits(None, 2)]
    if len(inputs) != 2 or len(outputs) != 3 or len(images) != 1 or len(shapes) != 1:
        return False
    boxes, scores, indices = outputs
    return (
        boxes.fits(None, None, 4)
        and scores.fits(None, None, None)
        and indices.dtype in {"int32", "int64"}
        and (indices.fits(None, 3) or indices.fits(None, None, 3))
    )


def _is_yolox(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> bool:
    """YOLOX's export: float32 NCHW in, one grid [batch, cells, 5 + classes] out.

    It is recognised by the number of cells: one for every 8x8, 16x16 and 32x32 pixels.
    """
    if len(inputs) != 1 or len(outputs) != 1:
        return False
    image, grid = inputs[0], outputs[0]
    if image.dtype != "float32" or not image.fits(None, 3, None, None) or len(grid.shape) != 3:
        return False
    height, width, cells, values = *image.shape[2:], *grid.shape[1:]
    if height is None or width is None or values is None:
        return False
    return values > 5 and cells == sum((height // stride) * (width // stride) for stride in (8, 16, 32))
