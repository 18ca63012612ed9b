"""The precision of weights, against what the package onnx reads of the same files."""

from __future__ import annotations

import math

import numpy as np
import pytest
from onnx import TensorProto, helper, load, numpy_helper, save

from mediaml.core.errors import ModelError
from mediaml.onnx.precision import precision_of
from scripts.paths import REPOSITORY

SHIPPED = sorted((REPOSITORY / "exported_models").rglob("*.onnx"))
NAMES = {
    TensorProto.FLOAT: "fp32",
    TensorProto.FLOAT16: "fp16",
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "int8",
}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_models_that_ship(path):
    sizes = dict.fromkeys(NAMES.values(), 0)
    for tensor in load(path).graph.initializer:
        if tensor.data_type in NAMES:
            sizes[NAMES[tensor.data_type]] += math.prod(tensor.dims)
    quantised = sizes["int8"] > 0.1 * sum(sizes.values())
    assert precision_of(path) == ("int8" if quantised else max(sizes, key=lambda name: sizes[name]))


@pytest.mark.parametrize(("kind", "name"), [*NAMES.items(), (TensorProto.BFLOAT16, "bf16")])
def test_every_kind(tmp_path, kind, name):
    weights = helper.make_tensor("w", kind, [40, 5], np.ones(200).tolist())
    shape = numpy_helper.from_array(np.arange(1000), "shape")  # int64, which are no weights
    graph = helper.make_graph([], "g", [], [], [shape, weights])
    save(helper.make_model(graph), tmp_path / "m.onnx")
    assert precision_of(tmp_path / "m.onnx") == name


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x3a\xff\xff\xff\x7f", b"\x80" * 40])
def test_what_is_no_model_is_an_error(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="is not an ONNX model"):
        precision_of(tmp_path / "m.onnx")
    with pytest.raises(ModelError):
        precision_of(tmp_path / "none.onnx")
