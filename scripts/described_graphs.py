"""Small graphs with seeded weights that look like what people bring: classifiers, embedders, audio models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from mediaml.core.arrays import Float32Array, UInt8Array

SIDE, CLASSES = 224, 10
_CELL = 28


def seeded(*shape: int, seed: int = 1) -> Float32Array:
    """Values in -1..1 by a hash of their place, the same with every NumPy."""
    places = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(7919 * seed)
    hashed = (places * np.uint64(2_654_435_761)) % np.uint64(1_000_003)
    return (hashed.astype(np.float64) / 500_001.5 - 1).astype(np.float32).reshape(shape)


def picture(width: int = 333, height: int = 250) -> UInt8Array:
    """A picture with gradients, edges and stripes, uint8 RGB [height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / width
    green = 127 + 120 * np.sin(x / 9) * np.cos(y / 13)
    blue = np.where((x // 37 + y // 29) % 2, 220, 30)
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def pooled_weights(channels: int, classes: int = CLASSES) -> Float32Array:
    """Weights [classes, channels x 8 x 8] of the graph that `classifier` builds."""
    return seeded(classes, channels * (SIDE // _CELL) ** 2) * np.float32(0.2)


def build(
    nodes: Sequence[NodeProto],
    inputs: Sequence[tuple[str, int, Sequence[int | str]]],
    outputs: Sequence[tuple[str, int, Sequence[int | str]]],
    constants: dict[str, Any],
    metadata: dict[str, str] | None = None,
) -> ModelProto:
    """A model of these nodes."""
    graph = helper.make_graph(
        list(nodes),
        "described",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    return model


def classifier(
    *,
    ending: str = "",
    classes: int = CLASSES,
    layout: str = "NCHW",
    output: str = "logits",
    batch: int | str = "batch",
    metadata: dict[str, str] | None = None,
) -> ModelProto:
    """Mean colours of 8 x 8 cells of an image, times seeded weights; `ending` is `Softmax` or `Sigmoid`.

    Takes float32 [batch, 3, 224, 224], or with its channels last.
    """
    node = helper.make_node
    last = layout == "NHWC"
    cells = ["planes" if last else "pixel_values"]
    nodes = [node("Transpose", ["pixel_values"], ["planes"], perm=[0, 3, 1, 2])] if last else []
    nodes += [
        node("AveragePool", cells, ["cells"], kernel_shape=[_CELL, _CELL], strides=[_CELL, _CELL]),
        node("Flatten", ["cells"], ["flat"]),
        node("Gemm", ["flat", "weights"], ["raw"], transB=1),
        node(ending or "Identity", ["raw"], [output]),
    ]
    shape = [batch, SIDE, SIDE, 3] if last else [batch, 3, SIDE, SIDE]
    return build(
        nodes,
        [("pixel_values", TensorProto.FLOAT, shape)],
        [(output, TensorProto.FLOAT, [batch, classes])],
        {"weights": pooled_weights(3, classes)},
        metadata,
    )


def embedder() -> ModelProto:
    """Eight numbers of an image, as `image_embeds`, beside the cells that they are made from."""
    return classifier(classes=8, output="image_embeds")


def yamnet_like() -> ModelProto:
    """YAMNet's form: log-mel patches [n, 96, 64] to scores of 521 classes and embeddings of 1024.

    The weights are made to tell three of the classes by the mean and the spread of the log-mels over time:
    Speech (0) is loud and uneven, Sine wave (495) loud and even, Silence (494) near ln(0.001).
    """
    node = helper.make_node
    weights = np.zeros((3, 521), np.float32)
    bias = np.full(521, -9.0, np.float32)
    weights[:, 0], bias[0] = (0.5, 4.0, 0.0), -1.0
    weights[:, 494], bias[494] = (-3.0, 0.0, 0.0), -16.0
    weights[:, 495], bias[495] = (0.0, -4.0, 2.0), -6.0
    nodes = [
        node("ReduceMean", ["patches"], ["mean"], axes=[1], keepdims=1),
        node("Sub", ["patches", "mean"], ["off"]),
        node("Abs", ["off"], ["size"]),
        node("ReduceMean", ["size"], ["spread_each"], axes=[1, 2], keepdims=0),
        node("ReduceMean", ["patches"], ["level"], axes=[1, 2], keepdims=0),
        node("ReduceMean", ["patches"], ["bands"], axes=[1], keepdims=0),
        node("ReduceMax", ["bands"], ["top"], axes=[1], keepdims=0),
        node("Sub", ["top", "level"], ["peak"]),
        node("Unsqueeze", ["level", "one"], ["f0"]),
        node("Unsqueeze", ["spread_each", "one"], ["f1"]),
        node("Unsqueeze", ["peak", "one"], ["f2"]),
        node("Concat", ["f0", "f1", "f2"], ["features"], axis=1),
        node("Gemm", ["features", "weights", "bias"], ["raw"]),
        node("Sigmoid", ["raw"], ["scores"]),
        node("MatMul", ["bands", "projection"], ["embeddings"]),
    ]
    return build(
        nodes,
        [("patches", TensorProto.FLOAT, ["n", 96, 64])],
        [("scores", TensorProto.FLOAT, ["n", 521]), ("embeddings", TensorProto.FLOAT, ["n", 1024])],
        {
            "weights": weights,
            "bias": bias,
            "one": np.array([1], np.int64),
            "projection": seeded(64, 1024),
        },
    )


def waveform_classifier(samples: int | str = "samples", *, batched: bool = True) -> ModelProto:
    """Loud or quiet, by the energy of float32 [batch, samples], or of [samples] without a batch."""
    node = helper.make_node
    nodes = [
        node("Mul", ["waveform", "waveform"], ["squares"]),
        node("ReduceMean", ["squares"], ["energy"], axes=[-1], keepdims=1),
        node("MatMul" if batched else "Mul", ["energy", "gains"], ["scaled"]),
        node("Add", ["scaled", "offsets"], ["logits_each"]),
    ]
    nodes.append(
        node(
            "Identity" if batched else "Unsqueeze",
            ["logits_each"] + ([] if batched else ["zero"]),
            ["logits"],
        )
    )
    shape: list[int | str] = ["batch", samples] if batched else [samples]
    gains = np.array([[400.0, -400.0]] if batched else [400.0, -400.0], np.float32)
    return build(
        nodes,
        [("waveform", TensorProto.FLOAT, shape)],
        [("logits", TensorProto.FLOAT, ["batch" if batched else "patches", 2])],
        {"gains": gains, "offsets": np.array([-4.0, 4.0], np.float32), "zero": np.array([0], np.int64)},
    )


def inverter(*, free: bool = True, factor: int = 1) -> ModelProto:
    """1 - the image, float32 [batch, 3, height, width] in 0..1; enlarged by a whole factor."""
    node = helper.make_node
    size: list[int | str] = ["height", "width"] if free else [32, 48]
    grown: list[int | str] = ["tall", "wide"] if free else [32 * factor, 48 * factor]
    nodes = [
        node("Sub", ["one", "input"], ["inverted"]),
        node("Resize", ["inverted", "", "scales"], ["output"], mode="nearest"),
    ]
    return build(
        nodes,
        [("input", TensorProto.FLOAT, ["batch", 3, *size])],
        [("output", TensorProto.FLOAT, ["batch", 3, *grown])],
        {"one": np.float32(1.0), "scales": np.array([1, 1, factor, factor], np.float32)},
    )
