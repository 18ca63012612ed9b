"""The facts of an ONNX file for `mediaml models info`, read without running it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import ModelError
from mediaml.core.model_input import ImageInput
from mediaml.onnx.interface import GraphFacts, Interface, TensorSpec, interface_of
from mediaml.onnx.metadata import (
    NAME,
    read_audio_input,
    read_image_input,
    read_labels,
    read_stride,
)
from mediaml.onnx.model_file import model_bytes, model_digest, parse_model, uses_external_data

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto


# Operators that change the form of values at most.
_PASSING = {"Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "DequantizeLinear"}


@dataclass(frozen=True, slots=True)
class ModelFileFacts:
    """Facts of an ONNX file, as stated in the file.

    Attributes:
        path: of the file.
        name: from the metadata, or the file's name without its ending.
        interface: see `interface.py`.
        inputs, outputs: of the graph, without the weights that old files list among the inputs.
        opset: version of ONNX's own operators.
        ir_version: of the file format.
        producer: the program that wrote the file; empty where it does not say.
        parameters: number of values in the graph's constants, shapes and indices left out.
        labels, image_input, audio_input, stride: from the metadata; `None` where it does not say.
        metadata: the file's own key-value pairs.
        operators: see `GraphFacts`.
        size_bytes: of the file and of its external data.
        sha256: see `model_file.model_digest`.
    """

    path: Path
    name: str
    interface: Interface
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    opset: int | None
    ir_version: int
    producer: str
    parameters: int
    labels: tuple[str, ...] | None
    image_input: ImageInput | None
    audio_input: AudioInput | None
    stride: int | None
    metadata: Mapping[str, str]
    operators: tuple[str, ...]
    size_bytes: int
    sha256: str

    @property
    def graph(self) -> GraphFacts:
        """What plugins get to see of the file."""
        return GraphFacts(self.path, self.inputs, self.outputs, self.metadata, self.operators)


def model_file_facts(path: Path) -> ModelFileFacts:
    """Read the facts of an ONNX file.

    Raises:
        ModelError: the file cannot be read, is not an ONNX model, or has metadata that cannot be read.
    """
    content = model_bytes(path)
    model = parse_model(content, str(path))
    external = uses_external_data(content, path.parent, str(path))
    graph = _graph_facts(path, model)
    metadata = graph.metadata
    return ModelFileFacts(
        path=path,
        name=metadata.get(NAME) or path.stem,
        interface=interface_of(graph.inputs, graph.outputs, metadata),
        inputs=graph.inputs,
        outputs=graph.outputs,
        opset=next((opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"}), None),
        ir_version=model.ir_version,
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        parameters=_parameters(model),
        labels=read_labels(metadata),
        image_input=read_image_input(metadata),
        audio_input=read_audio_input(metadata),
        stride=read_stride(metadata),
        metadata=metadata,
        operators=graph.operators,
        size_bytes=len(content) + sum(file.stat().st_size for file in external),
        sha256=model_digest(content, external),
    )


def graph_facts(path: Path) -> GraphFacts:
    """The graph of an ONNX file, its metadata, and what makes its outputs.

    Raises:
        ModelError: the file cannot be read, or is not an ONNX model.
    """
    return _graph_facts(path, parse_model(model_bytes(path), str(path)))


def _graph_facts(path: Path, model: ModelProto) -> GraphFacts:
    constants = {tensor.name for tensor in model.graph.initializer}
    outputs = tuple(map(_spec, model.graph.output))
    return GraphFacts(
        path=path,
        inputs=tuple(_spec(value) for value in model.graph.input if value.name not in constants),
        outputs=outputs,
        metadata=MappingProxyType({entry.key: entry.value for entry in model.metadata_props}),
        operators=tuple(_maker(model, output.name) for output in outputs),
    )


def _parameters(model: ModelProto) -> int:
    """Values in all constants but shapes and indices (int64); old exporters keep some in Constant nodes."""
    from onnx import TensorProto

    tensors = list(model.graph.initializer)
    for node in model.graph.node:
        if node.op_type == "Constant":
            tensors.extend(attribute.t for attribute in node.attribute if attribute.name == "value")
    return sum(math.prod(tensor.dims) for tensor in tensors if tensor.data_type != TensorProto.INT64)


def _maker(model: ModelProto, output: str) -> str:
    """The operator that makes an output, past those that only pass values on; empty for an input."""
    makers = {name: node for node in model.graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in _PASSING and node.input[0] in makers:
        node = makers[node.input[0]]
    return "" if node is None else str(node.op_type)


def _spec(value: ValueInfoProto) -> TensorSpec:
    """A spec from the file's own description; an unset size is free, as a named one is."""
    from onnx import helper

    if not value.type.HasField("tensor_type"):
        raise ModelError(f"{value.name} is not a tensor", "Inputs and outputs must be tensors.")
    tensor = value.type.tensor_type
    sizes = tuple(
        axis.dim_value if axis.WhichOneof("value") == "dim_value" else None for axis in tensor.shape.dim
    )
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type) if tensor.elem_type else np.dtype("V")
    return TensorSpec(value.name, sizes, str(dtype))
