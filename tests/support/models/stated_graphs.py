"""Graphs that answer recorded arrays to any input, behind any interface: stand-ins for exported networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Spec = Mapping[str, Any]
"""`name`, `dtype` and `shape` of an input or output, as golden files have them."""

_KINDS = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
}


def spec(name: str, dtype: str, *shape: int | None) -> Spec:
    """One input or output; `None` is a free axis."""
    return {"name": name, "dtype": dtype, "shape": list(shape)}


def stated_graph(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    arrays: Sequence[np.ndarray],
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """An ONNX file with these inputs, outputs and metadata that always answers the arrays."""
    nodes = [
        helper.make_node(
            "Constant",
            [],
            [one["name"]],
            value=numpy_helper.from_array(np.asarray(array, one["dtype"]), one["name"]),
        )
        for one, array in zip(outputs, arrays, strict=True)
    ]
    graph = helper.make_graph(nodes, "stated", list(map(_value, inputs)), list(map(_value, outputs)))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    content: bytes = model.SerializeToString()
    return content


def _value(one: Spec) -> onnx.ValueInfoProto:
    shape = [f"axis{index}" if size is None else size for index, size in enumerate(one["shape"])]
    return helper.make_tensor_value_info(one["name"], _KINDS[one["dtype"]], shape)
