"""A darknet network as an ONNX graph of the interface "detector/1": images in, boxes and scores out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from mediaml.darknet.graph_builder import GraphBuilder
from mediaml.darknet.head import decode_head
from mediaml.darknet.layers import (
    IMAGE,
    Activation,
    Convolution,
    GlobalAverage,
    Head,
    Layer,
    MaxPool,
    Product,
    Route,
    Shortcut,
    Upsample,
)
from mediaml.darknet.network import DarknetNetwork
from mediaml.darknet.weights import FoldedConvolution

LEAKY_SLOPE = 0.1
"""Slope of darknet's leaky activation below zero (`activations.h`)."""

ONE_NODE: dict[Activation, tuple[str, dict[str, float]]] = {
    "leaky": ("LeakyRelu", {"alpha": LEAKY_SLOPE}),
    "relu": ("Relu", {}),
    "logistic": ("Sigmoid", {}),
}
"""Activations that are one ONNX operator, with its attributes."""


def build_graph(network: DarknetNetwork, weights: Iterable[FoldedConvolution], name: str) -> ModelProto:
    """The network as a model without metadata.

    Args:
        network: read from a cfg.
        weights: of its convolutions, in order.
        name: of the graph.

    Returns:
        A model with the input `images` uint8 [batch, height, width, 3] and the outputs `boxes` float32
        [batch, anchors, 4] and `scores` float32 [batch, anchors, classes]; batch, height and width are free.
    """
    builder = GraphBuilder()
    image = _normalised_image(builder)
    tensors = {IMAGE: image}
    remaining = iter(weights)
    boxes: list[str] = []
    scores: list[str] = []
    for index, layer in enumerate(network.layers):
        builder.scope = f"layer_{index}"
        inputs = [tensors[source] for source in layer.sources]
        if isinstance(layer, Head):
            head_boxes, head_scores = decode_head(builder, layer, inputs[0], image)
            boxes.append(head_boxes)
            scores.append(head_scores)
        elif isinstance(layer, Convolution):
            tensors[index] = _convolution(builder, layer, inputs[0], next(remaining))
        else:
            tensors[index] = _without_weights(builder, network, layer, inputs)
    builder.scope = ""
    builder.rename_output(builder.add("Concat", *boxes, axis=1), "boxes")
    builder.rename_output(builder.add("Concat", *scores, axis=1), "scores")
    return builder.finish(name, *_interface(network.classes))


def _interface(classes: int) -> tuple[list[ValueInfoProto], list[ValueInfoProto]]:
    """Inputs and outputs of "detector/1"; free axes have names."""
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", "height", "width", 3])
    boxes = helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["batch", "anchors", 4])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", "anchors", classes])
    return [images], [boxes, scores]


def _normalised_image(builder: GraphBuilder) -> str:
    """uint8 [batch, height, width, 3] to float32 [batch, 3, height, width] in 0..1; bytes are moved first."""
    builder.scope = "image"
    planes = builder.add("Transpose", "images", perm=[0, 3, 1, 2])
    values = builder.add("Cast", planes, to=TensorProto.FLOAT)
    return builder.add("Mul", values, builder.constant("scale", 1 / 255, np.float32))


def _convolution(builder: GraphBuilder, layer: Convolution, features: str, folded: FoldedConvolution) -> str:
    filters = builder.constant("filters", folded.filters, np.float32)
    biases = builder.constant("biases", folded.biases, np.float32)
    result = builder.add(
        "Conv",
        features,
        filters,
        biases,
        kernel_shape=[layer.size, layer.size],
        strides=[layer.stride, layer.stride],
        pads=[layer.padding] * 4,
        group=layer.groups,
    )
    return _activated(builder, layer.activation, result)


def _activated(builder: GraphBuilder, activation: Activation, features: str) -> str:
    if activation == "linear":
        return features
    if activation in ONE_NODE:
        operator, attributes = ONE_NODE[activation]
        return builder.add(operator, features, **attributes)
    if activation == "relu6":
        limits = [builder.constant("limit", limit, np.float32) for limit in (0.0, 6.0)]
        return builder.add("Clip", features, *limits)
    if activation == "swish":
        return builder.add("Mul", features, builder.add("Sigmoid", features))
    # Mish: x tanh(ln(1 + e^x)), Misra 2019; ONNX has it as one operator only from opset 18 on.
    return builder.add("Mul", features, builder.add("Tanh", builder.add("Softplus", features)))


def _without_weights(builder: GraphBuilder, network: DarknetNetwork, layer: Layer, inputs: list[str]) -> str:
    """Any layer but a convolution or a head; returns the name of its output."""
    match layer:
        case Shortcut():
            return _shortcut(builder, network, layer, inputs)
        case Route():
            return _route(builder, network, layer, inputs)
        case MaxPool():
            return builder.add(
                "MaxPool",
                inputs[0],
                kernel_shape=[layer.size, layer.size],
                strides=[layer.stride, layer.stride],
                pads=[layer.before, layer.before, layer.after, layer.after],
            )
        case Upsample():
            scales = builder.constant("scales", [1, 1, layer.factor, layer.factor], np.float32)
            return builder.add(
                "Resize",
                inputs[0],
                "",
                scales,
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        case GlobalAverage():
            return builder.add("GlobalAveragePool", inputs[0])
        case Product():
            return _activated(builder, layer.activation, builder.add("Mul", *inputs))
    raise AssertionError(f"{type(layer).__name__} has no translation")


def _shortcut(builder: GraphBuilder, network: DarknetNetwork, layer: Shortcut, inputs: list[str]) -> str:
    total = inputs[0]
    for name, source in zip(inputs[1:], layer.sources[1:], strict=True):
        extra = network.layers[source].shape.channels - layer.shape.channels
        addend = name
        if extra > 0:
            addend = _channels(builder, name, 0, layer.shape.channels)
        elif extra < 0:
            addend = builder.add("Pad", name, builder.shape_constant(0, 0, 0, 0, 0, -extra, 0, 0))
        total = builder.add("Add", total, addend)
    return _activated(builder, layer.activation, total)


def _route(builder: GraphBuilder, network: DarknetNetwork, layer: Route, inputs: list[str]) -> str:
    parts = []
    for name, source in zip(inputs, layer.sources, strict=True):
        count = network.layers[source].shape.channels // layer.groups
        first = layer.group * count
        parts.append(name if layer.groups == 1 else _channels(builder, name, first, first + count))
    return parts[0] if len(parts) == 1 else builder.add("Concat", *parts, axis=1)


def _channels(builder: GraphBuilder, name: str, first: int, end: int) -> str:
    """The channels from `first` up to `end`, exclusive."""
    starts, ends, axes = (builder.shape_constant(value) for value in (first, end, 1))
    return builder.add("Slice", name, starts, ends, axes)
