"""Tiny ONNX models for the tests of sessions, interfaces and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

Value = tuple[str, int, Sequence[int | str | None]]
"""Name, element type and shape of an input or output."""


def model(
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    nodes: Sequence[Any] | None = None,
    metadata: Mapping[str, str] | None = None,
    constants: Mapping[str, np.ndarray] | None = None,
) -> ModelProto:
    """A model with these inputs and outputs; without nodes it only looks the part and does not run."""
    graph = helper.make_graph(
        nodes or [helper.make_node("Identity", [inputs[0][0]], [outputs[0][0]])],
        "material",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    result = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (metadata or {}).items():
        result.metadata_props.add(key=key, value=value)
    return result


def doubling(metadata: Mapping[str, str] | None = None) -> ModelProto:
    """y = 2 x for float32 [batch, 3]; the 2 is a constant."""
    return model(
        [("x", TensorProto.FLOAT, ["batch", 3])],
        [("y", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        metadata,
        {"factor": np.array([2.0], np.float32)},
    )


def with_external_data(location: str, count: int = 3) -> ModelProto:
    """The doubling model, its constant kept in another file: `count` float32 values."""
    result = doubling()
    constant = result.graph.initializer[0]
    constant.ClearField("raw_data")
    constant.dims[:] = [count]
    constant.data_location = TensorProto.EXTERNAL
    constant.external_data.add(key="location", value=location)
    return result
