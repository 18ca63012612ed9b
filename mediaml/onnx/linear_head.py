"""A linear head on the vector of an ONNX graph, and class activation maps.

The head is appended with operators that every execution provider has: the vector is scaled to length 1, then
multiplied. Where it is the mean of features over the image, the graph also gets an output `class_maps`
[batch, classes, height, width], what each place adds to the logit of each class (Zhou et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaml.core.errors import ModelError
from mediaml.onnx.metadata import set_metadata
from mediaml.onnx.model_file import MODEL_BYTES_LIMIT

PROBABILITIES, CLASS_MAPS = "probabilities", "class_maps"
_PREFIX = "mediaml_head"
_TINY = 1e-12
_IMAGE_AXES = 4
_POOLS = {"GlobalAveragePool", "ReduceMean"}
_PASSED = {"Flatten", "Squeeze", "Reshape", "Identity", "Cast"}


@dataclass(frozen=True, slots=True)
class VectorOutput:
    """The output of a graph that a head stands on.

    Attributes:
        name: of the output. pool: of an output with a vector per token: the `first`, or their `mean`.
        channels_last: whether an output of four axes is [batch, height, width, channels].
    """

    name: str
    pool: str = "first"
    channels_last: bool = False


def with_linear_head(
    path: Path,
    vector: VectorOutput,
    weights: NDArray[np.float64],
    bias: NDArray[np.float64],
    metadata: Mapping[str, str],
) -> bytes:
    """The ONNX file of a graph with the output `probabilities` [batch, classes] in place of its own.

    Args:
        weights: [dimensions, classes]. bias: [classes].

    Raises:
        ModelError: the file has no such output, or one of another length, or would become too large.
    """
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    source = next((value for value in graph.output if value.name == vector.name), None)
    if source is None:
        raise ModelError(f"{path} has no output {vector.name!r}.", "Use another backbone.")
    _require_length(source, len(weights), path)
    drawn = _Builder(graph, [])
    half = source.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    spot = _features_of(graph, source.name)
    raw = source.name
    if half:
        raw = drawn.add("Cast", [raw], "vector32", to=onnx.TensorProto.FLOAT)
    unit = _unit(drawn, _pooled(drawn, raw, source, vector), len(weights))
    product = drawn.add("MatMul", [unit, drawn.constant("weights", weights.astype(np.float32))], "product")
    logits = drawn.add("Add", [product, drawn.constant("bias", bias.astype(np.float32))], "logits")
    drawn.add("Softmax", [logits], PROBABILITIES, outer=True, axis=1)
    outputs = [_output(PROBABILITIES, ["batch", len(bias)])]
    if spot is not None and not half:
        kernel = weights.T.astype(np.float32)[:, :, None, None]
        drawn.add("Conv", [spot, drawn.constant("kernel", kernel)], CLASS_MAPS, outer=True)
        outputs.append(_output(CLASS_MAPS, ["batch", len(bias), "rows", "columns"]))
    graph.node.extend(drawn.nodes)
    del graph.output[:]
    graph.output.extend(outputs)
    set_metadata(model, metadata)
    if model.ByteSize() > MODEL_BYTES_LIMIT:
        raise ModelError(f"{path} with a head is larger than an ONNX file can be.", "Use a smaller backbone.")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


@dataclass(frozen=True, slots=True)
class _Builder:
    """Nodes and constants that are appended to a graph, under names of their own."""

    graph: Any
    nodes: list[Any]

    def named(self, name: str) -> str:
        return f"{_PREFIX}_{name}"

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.graph.initializer.append(numpy_helper.from_array(np.array(values, order="C"), self.named(name)))
        return self.named(name)

    def add(
        self, operator: str, inputs: Sequence[str], name: str, *, outer: bool = False, **attributes: Any
    ) -> str:
        from onnx import helper

        output = name if outer else self.named(name)
        self.nodes.append(
            helper.make_node(operator, list(inputs), [output], name=self.named(f"{name}_node"), **attributes)
        )
        return output


def _require_length(source: Any, dimensions: int, path: Path) -> None:
    shape = source.type.tensor_type.shape.dim
    last = shape[-1].dim_value
    if len(shape) != _IMAGE_AXES and last and last != dimensions:
        raise ModelError(
            f"the head is for vectors of {dimensions} numbers, but {path.name} gives {last}.",
            "Train it again with this backbone.",
        )


def _pooled(drawn: _Builder, raw: str, source: Any, vector: VectorOutput) -> str:
    """One vector per sample, [batch, dimensions], as `embed` makes it of an output."""
    axes = len(source.type.tensor_type.shape.dim)
    if axes == 2:
        return raw
    if axes == 3 and vector.pool == "first":
        first = drawn.constant("first", np.array(0, dtype=np.int64))
        return drawn.add("Gather", [raw, first], "pooled", axis=1)
    if axes == 3:
        raw = drawn.add("Transpose", [raw], "channels_first", perm=[0, 2, 1])
    elif axes == _IMAGE_AXES and vector.channels_last:
        raw = drawn.add("Transpose", [raw], "channels_first", perm=[0, 3, 1, 2])
    elif axes != _IMAGE_AXES:
        raise ModelError(f"a vector cannot have {axes} axes.", "Use another backbone.")
    drawn.add("GlobalAveragePool", [raw], "mean")
    return drawn.add("Flatten", [drawn.named("mean")], "pooled", axis=1)


def _unit(drawn: _Builder, vector: str, dimensions: int) -> str:
    """The vector scaled to length 1."""
    ones = drawn.constant("ones", np.ones((dimensions, 1), dtype=np.float32))
    least = drawn.constant("tiny", np.array([[_TINY]], dtype=np.float32))
    drawn.add("Mul", [vector, vector], "squares")
    drawn.add("MatMul", [drawn.named("squares"), ones], "sum")
    drawn.add("Sqrt", [drawn.named("sum")], "length")
    drawn.add("Max", [drawn.named("length"), least], "divisor")
    return drawn.add("Div", [vector, drawn.named("divisor")], "unit")


def _features_of(graph: Any, output: str) -> str | None:
    """The features [batch, channels, height, width] whose mean over the image a vector is; else `None`."""
    makers = {name: node for node in graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in _PASSED:
        node = makers.get(node.input[0])
    if node is None or node.op_type not in _POOLS:
        return None
    if node.op_type == "ReduceMean":
        axes = next((list(one.ints) for one in node.attribute if one.name == "axes"), [])
        if axes not in ([2, 3], [-2, -1]):
            return None
    return str(node.input[0])


def _output(name: str, shape: Sequence[int | str]) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
