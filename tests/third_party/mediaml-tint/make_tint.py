"""Builds mediaml_tint/tint.onnx: mean colour, then softmax. Needs the package onnx only."""

import json
from pathlib import Path

from onnx import TensorProto, helper, save

image = helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", 32, 32, 3])
scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 3])
axes = helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])
scale = helper.make_tensor("scale", TensorProto.FLOAT, [], [1 / 16])
nodes = [
    helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
    helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
    helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
    helper.make_node("Softmax", ["scaled"], ["scores"], axis=1),
]
graph = helper.make_graph(nodes, "tint", [image], [scores], [axes, scale])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
helper.set_model_props(model, {"mediaml.labels": json.dumps(["red", "green", "blue"])})
save(model, Path(__file__).parent / "mediaml_tint" / "tint.onnx")
