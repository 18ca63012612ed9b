"""One ONNX file of a backbone and a linear head: vectors, logits, probabilities, class activation maps.

The head is appended to the backbone's graph with operators that every execution provider has. Where the
backbone's vector is the mean of its last features over the image, the file also has an output `class_maps`
[batch, classes, height, width], what each place adds to the logit of each class (Zhou et al. 2016).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mediaml.core.errors import ModelError
from mediaml.onnx.metadata import INPUT, INTERFACE, LABELS, NAME, SOURCE, set_metadata
from mediaml.teach.backbone import Backbone
from mediaml.teach.head import Head

if TYPE_CHECKING:
    import onnx

OUTPUT = "mediaml.output"
TRAINING = "mediaml.training"
PROBABILITIES, CLASS_MAPS = "probabilities", "class_maps"
_PREFIX = "mediaml_head"
_TINY = 1e-12
_POOLS = {"GlobalAveragePool", "ReduceMean"}
_PASSED = {"Flatten", "Squeeze", "Reshape", "Identity", "Cast"}


@dataclass(frozen=True, slots=True)
class Trained:
    """What is written into the file beside the graph.

    Attributes:
        labels: in the order of the scores. threshold: below it is none of them.
        name: of the model. facts: how it was trained, as JSON values.
    """

    labels: tuple[str, ...]
    threshold: float
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def compose(backbone: Backbone, head: Head, trained: Trained) -> onnx.ModelProto:
    """The model: what the backbone takes to `probabilities` [batch, classes].

    Raises:
        ModelError: the head was trained on vectors of another length, or the backbone cannot be read.
    """
    import onnx

    model = onnx.load(str(backbone.path))
    graph = model.graph
    source = next((value for value in graph.output if value.name == backbone.output), None)
    if source is None:
        raise ModelError(f"{backbone.path} has no output {backbone.output!r}.", "Use another backbone.")
    _require_length(source, head, backbone)
    drawn = _Builder(graph, [])
    half = source.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    spot = _features_of(graph, source.name)
    if half:
        drawn.add("Cast", [source.name], "vector32", to=onnx.TensorProto.FLOAT)
    raw = drawn.named("vector32") if half else source.name
    vector = _unit(drawn, _pooled(drawn, raw, source, backbone), len(head.weights))
    weights = drawn.constant("weights", head.weights.astype(np.float32))
    bias = drawn.constant("bias", head.bias.astype(np.float32))
    drawn.add("MatMul", [vector, weights], "product")
    drawn.add("Add", [drawn.named("product"), bias], "logits")
    drawn.add("Softmax", [drawn.named("logits")], PROBABILITIES, outer=True, axis=1)
    outputs = [_output(PROBABILITIES, ["batch", len(trained.labels)])]
    if spot is not None and not half:
        kernel = head.weights.T.astype(np.float32)[:, :, None, None]
        drawn.add("Conv", [spot, drawn.constant("kernel", kernel)], CLASS_MAPS, outer=True)
        outputs.append(_output(CLASS_MAPS, ["batch", len(trained.labels), "rows", "columns"]))
    graph.node.extend(drawn.nodes)
    del graph.output[:]
    graph.output.extend(outputs)
    set_metadata(model, _metadata(backbone, trained))
    onnx.checker.check_model(model)
    return model


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


def _require_length(source: Any, head: Head, backbone: Backbone) -> None:
    shape = source.type.tensor_type.shape.dim
    last = shape[1] if len(shape) == 4 else shape[-1]
    if last.dim_value and last.dim_value != len(head.weights) and len(shape) != 4:
        raise ModelError(
            f"the head is for vectors of {len(head.weights)} numbers, but {backbone.name} gives "
            f"{last.dim_value}.",
            "Train it again with this backbone.",
        )


def _pooled(drawn: _Builder, raw: str, source: Any, backbone: Backbone) -> str:
    """One vector per sample, [batch, dimensions], as `embed` makes it of an output."""
    axes = len(source.type.tensor_type.shape.dim)
    if axes == 2:
        return raw
    if axes == 3 and backbone.pool == "first":
        first = drawn.constant("first", np.array(0, dtype=np.int64))
        return drawn.add("Gather", [raw, first], "pooled", axis=1)
    if axes == 3:
        raw = drawn.add("Transpose", [raw], "channels_first", perm=[0, 2, 1])
    elif axes == 4 and backbone.input.get("layout") == "NHWC":
        raw = drawn.add("Transpose", [raw], "channels_first", perm=[0, 3, 1, 2])
    elif axes != 4:
        raise ModelError(f"{backbone.path} gives vectors with {axes} axes.", "Use another backbone.")
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


def _metadata(backbone: Backbone, trained: Trained) -> dict[str, str]:
    answer = {"name": PROBABILITIES, "means": "probabilities", "threshold": trained.threshold}
    return {
        INTERFACE: "classifier/1",
        LABELS: json.dumps(trained.labels, ensure_ascii=False),
        INPUT: json.dumps(dict(backbone.input)),
        OUTPUT: json.dumps(answer),
        NAME: trained.name,
        SOURCE: f"mediaml train on {backbone.name}",
        TRAINING: json.dumps(dict(trained.facts), ensure_ascii=False),
    }
