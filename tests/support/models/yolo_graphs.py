"""Tiny ONNX detectors that always answer the same: so the expected detections are known exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

Size = int | str


def _constant(name: str, value: np.ndarray) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name))


def _serialised(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    metadata: Mapping[str, object],
) -> bytes:
    graph = helper.make_graph(list(nodes), "planted", list(inputs), list(outputs))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def dense_detector(
    boxes: ArrayLike,
    scores: ArrayLike,
    *,
    labels: Sequence[str] | None = ("cat", "dog", "traffic light"),
    size: tuple[int, int] = (64, 64),
    axes: tuple[Size, Size, Size] = ("batch", "height", "width"),
    metadata: Mapping[str, object] | None = None,
) -> bytes:
    """A graph `detector/1` that answers every picture with the given boxes [anchors, 4] and scores."""
    planted_boxes, planted_scores = np.asarray(boxes, np.float32), np.asarray(scores, np.float32)
    wanted = {"width": size[0], "height": size[1], "stride": 32, "layout": "NHWC", "dtype": "uint8"}
    described: dict[str, object] = {
        "mediaml.interface": "detector/1",
        "mediaml.input": {"type": "image", **wanted, "color": "RGB", "fit": "letterbox"},
        **({"mediaml.labels": list(labels)} if labels is not None else {}),
        **(metadata or {}),
    }
    nodes = [
        helper.make_node("Shape", ["images"], ["batch_shape"], start=0, end=1),
        _constant("planted_boxes", planted_boxes[None]),
        _constant("planted_scores", planted_scores[None]),
        _constant("rest", np.array([1, 1], np.int64)),
        helper.make_node("Concat", ["batch_shape", "rest"], ["repeats"], axis=0),
        helper.make_node("Tile", ["planted_boxes", "repeats"], ["boxes"]),
        helper.make_node("Tile", ["planted_scores", "repeats"], ["scores"]),
    ]
    anchors, classes = planted_scores.shape
    return _serialised(
        nodes,
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [*axes, 3])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [axes[0], anchors, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [axes[0], anchors, classes]),
        ],
        described,
    )


def zoo_detector(
    boxes: ArrayLike,
    scores: ArrayLike,
    indices: ArrayLike,
    *,
    leading_axis: bool = False,
    dtype: type[np.signedinteger] = np.int32,
    axes: tuple[Size, Size] = ("height", "width"),
    metadata: Mapping[str, object] | None = None,
) -> bytes:
    """The ONNX zoo's yolov3 interface.

    It answers `boxes` [N, 4] top, left, bottom, right as shares of `image_shape`, `scores` [classes, N] and
    the chosen `indices` [k, 3] (batch, class, box), with a leading axis as tiny-yolov3 has it.
    """
    chosen = np.asarray(indices, dtype).reshape(-1, 3)
    nodes = [
        _constant("shares", np.asarray(boxes, np.float32)[None]),
        helper.make_node("Concat", ["image_shape", "image_shape"], ["sides"], axis=1),
        helper.make_node("Mul", ["shares", "sides"], ["boxes_out"]),
        _constant("scores_out", np.asarray(scores, np.float32)[None]),
        _constant("indices_out", chosen[None] if leading_axis else chosen),
        helper.make_node("ReduceMax", ["input_1"], ["unused"]),
    ]
    shape = [1, None, 3] if leading_axis else [None, 3]
    kind = TensorProto.INT32 if dtype is np.int32 else TensorProto.INT64
    return _serialised(
        nodes,
        [
            helper.make_tensor_value_info("input_1", TensorProto.FLOAT, [1, 3, *axes]),
            helper.make_tensor_value_info("image_shape", TensorProto.FLOAT, [1, 2]),
        ],
        [
            helper.make_tensor_value_info("boxes_out", TensorProto.FLOAT, [1, None, 4]),
            helper.make_tensor_value_info(
                "scores_out", TensorProto.FLOAT, [1, len(np.asarray(scores)), None]
            ),
            helper.make_tensor_value_info("indices_out", kind, shape),
        ],
        metadata or {},
    )
