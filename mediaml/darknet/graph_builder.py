"""Writes an ONNX graph node by node; every name is unique and says which layer it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import ModelProto, ValueInfoProto, helper

OPSET = 17
IR_VERSION = 8
"""The IR version of opset 17: ONNX Runtime since 1.12 reads it."""


class GraphBuilder:
    """Collects nodes and constants; `scope` begins every name.

    Constants go straight into the finished message: ONNX's helpers would copy all weights three times.
    """

    def __init__(self) -> None:
        self.scope = ""
        self._model = ModelProto(ir_version=IR_VERSION, producer_name="mediaml")
        self._model.opset_import.append(helper.make_opsetid("", OPSET))
        self._names: dict[str, int] = {}

    def constant(self, name: str, values: ArrayLike, dtype: type[np.generic]) -> str:
        """Add a constant tensor; returns its name."""
        unique = self._unique(name)
        little_endian = np.asarray(values, dtype=np.dtype(dtype).newbyteorder("<"))
        tensor = self._model.graph.initializer.add()
        tensor.name = unique
        tensor.data_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        tensor.dims.extend(little_endian.shape)
        tensor.raw_data = little_endian.tobytes()
        return unique

    def shape_constant(self, *values: int) -> str:
        """Add a constant list of int64, as ONNX wants axes, shapes and starts; returns its name."""
        return self.constant("ints", values, np.int64)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(self, operator: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs; returns their names."""
        names = [self._unique(operator) for _ in range(outputs)]
        self._model.graph.node.append(helper.make_node(operator, inputs, names, name=names[0], **attributes))
        return names

    def rename_output(self, name: str, target: str) -> None:
        """Add a node that gives a tensor the name of a graph's output."""
        self._model.graph.node.append(helper.make_node("Identity", [name], [target], name=target))

    def finish(
        self, name: str, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]
    ) -> ModelProto:
        """The finished model; nothing may be added after it."""
        self._model.graph.name = name
        self._model.graph.input.extend(inputs)
        self._model.graph.output.extend(outputs)
        return self._model

    def _unique(self, name: str) -> str:
        full = f"{self.scope}/{name}" if self.scope else name
        count = self._names[full] = self._names.get(full, 0) + 1
        return full if count == 1 else f"{full}_{count}"
