"""Tiny ONNX models with a known truth, made by code for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper, save


def save_square_finder(path: Path, size: int = 128) -> Path:
    """A detector of the interface "detector/1" that finds the white square, to the pixel.

    A pixel is white when all its channels exceed 200; the box spans the first to the last white column and
    row. One anchor, one class, score 0.9 where there is white and 0 where there is none.
    """
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMin", ["pixels", "channel_axis"], ["darkest"], keepdims=0),
        helper.make_node("Greater", ["darkest", "threshold"], ["is_white"]),
        helper.make_node("Cast", ["is_white"], ["white"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["white", "width_axis"], ["rows"], keepdims=0),
        helper.make_node("ReduceMax", ["white", "height_axis"], ["columns"], keepdims=0),
        *_edges("columns", "left", "right"),
        *_edges("rows", "top", "bottom"),
        helper.make_node("Concat", ["left", "top", "right", "bottom"], ["corners"], axis=1),
        helper.make_node("Unsqueeze", ["corners", "height_axis"], ["boxes"]),
        helper.make_node("ReduceMax", ["columns", "height_axis"], ["any_white"], keepdims=1),
        helper.make_node("Mul", ["any_white", "certainty"], ["score"]),
        helper.make_node("Unsqueeze", ["score", "width_axis"], ["scores"]),
    ]
    constants: dict[str, NDArray[Any]] = {
        "channel_axis": np.array([3], np.int64),
        "height_axis": np.array([1], np.int64),
        "width_axis": np.array([2], np.int64),
        "threshold": np.array(200, np.float32),
        "certainty": np.array(0.9, np.float32),
        "one": np.array(1, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "square_finder",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", "height", "width", 3])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["batch", 1, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 1, 1]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(
        model,
        {
            "mediaml.interface": "detector/1",
            "mediaml.name": "square-finder",
            "mediaml.labels": json.dumps(["square"]),
            "mediaml.input": json.dumps(
                {
                    "width": size,
                    "height": size,
                    "stride": 32,
                    "layout": "NHWC",
                    "dtype": "uint8",
                    "color": "RGB",
                    "fit": "letterbox",
                }
            ),
        },
    )
    save(model, path)
    return path


def _edges(line: str, first: str, end: str) -> list[NodeProto]:
    """Nodes that give the first index of a 1 in `line`, and one past the last, as float [batch, 1]."""
    return [
        helper.make_node("ArgMax", [line], [f"{first}_index"], axis=1, keepdims=1),
        helper.make_node("ArgMax", [line], [f"{end}_index"], axis=1, keepdims=1, select_last_index=1),
        helper.make_node("Cast", [f"{first}_index"], [first], to=TensorProto.FLOAT),
        helper.make_node("Cast", [f"{end}_index"], [f"{end}_inside"], to=TensorProto.FLOAT),
        helper.make_node("Add", [f"{end}_inside", "one"], [end]),
    ]
