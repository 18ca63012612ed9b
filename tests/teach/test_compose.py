"""The composed graph against NumPy: vectors, head, class activation maps, metadata."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from mediaml.core.errors import ModelError
from mediaml.teach.backbone import Backbone
from mediaml.teach.calibration import softmax
from mediaml.teach.compose import Trained, compose
from mediaml.teach.head import Head
from tests.support.models.onnx_files import model

RANDOM = np.random.default_rng(8)
TRAINED = Trained(("a/b", "c"), 0.61, "two")


def backbone(folder: Path, shape: list[int | str], pool: str = "first", layout: str = "NCHW") -> Backbone:
    """A backbone that answers with what it is given."""
    path = folder / "backbone.onnx"
    made = model([("image", TensorProto.FLOAT, shape)], [("embedding", TensorProto.FLOAT, shape)])
    onnx.save(made, str(path))
    return Backbone(path, "mine", "embed", {"layout": layout}, "embedding", pool)


def answers(made: bytes, given: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: given})
    return dict(zip([one.name for one in session.get_outputs()], outputs, strict=True))


@pytest.mark.parametrize(
    ("shape", "pool", "layout", "vectors"),
    [
        (["n", 6], "first", "NCHW", lambda given: given),
        (["n", 5, 6], "first", "NCHW", lambda given: given[:, 0]),
        (["n", 5, 6], "mean", "NCHW", lambda given: given.mean(axis=1)),
        (["n", 6, 3, 4], "first", "NCHW", lambda given: given.mean(axis=(2, 3))),
        (["n", 3, 4, 6], "first", "NHWC", lambda given: given.mean(axis=(1, 2))),
    ],
)
def test_probabilities_are_those_of_the_head(tmp_path, shape, pool, layout, vectors) -> None:  # type: ignore[no-untyped-def]
    head = Head(RANDOM.normal(size=(6, 2)), RANDOM.normal(size=2))
    made = compose(backbone(tmp_path, shape, pool, layout), head, TRAINED)
    given = RANDOM.normal(size=(4, *shape[1:])).astype(np.float32)
    raw = vectors(given)
    expected = softmax(raw / np.linalg.norm(raw, axis=1, keepdims=True) @ head.weights + head.bias)
    np.testing.assert_allclose(answers(made, given)["probabilities"], expected, atol=1e-6)


@pytest.mark.parametrize("pooling", ["GlobalAveragePool", "ReduceMean"])
def test_the_mean_of_a_class_map_is_the_share_of_the_features_in_the_logit(
    tmp_path: Path, pooling: str
) -> None:
    how = {"axes": [2, 3], "keepdims": 1} if pooling == "ReduceMean" else {}
    nodes = [
        helper.make_node("Relu", ["image"], ["features"]),
        helper.make_node(pooling, ["features"], ["mean"], **how),
        helper.make_node("Flatten", ["mean"], ["embedding"], axis=1),
    ]
    shape = ["n", 3, 8, 6]
    path = tmp_path / "net.onnx"
    onnx.save(
        model([("image", TensorProto.FLOAT, shape)], [("embedding", TensorProto.FLOAT, ["n", 3])], nodes),
        str(path),
    )
    head = Head(RANDOM.normal(size=(3, 2)), np.zeros(2))
    made = compose(Backbone(path, "net", "embed", {}, "embedding", "first"), head, TRAINED)
    given = RANDOM.normal(size=(2, 3, 8, 6)).astype(np.float32)
    found = answers(made, given)
    assert found["class_maps"].shape == (2, 2, 8, 6)
    np.testing.assert_allclose(
        found["class_maps"].mean(axis=(2, 3)),
        np.maximum(given, 0).mean(axis=(2, 3)) @ head.weights,
        atol=1e-6,
    )


def test_the_metadata_says_all_that_a_run_needs(tmp_path: Path) -> None:
    head = Head(RANDOM.normal(size=(6, 2)), np.zeros(2))
    made = compose(backbone(tmp_path, ["n", 6]), head, TRAINED)
    said = {one.key: one.value for one in onnx.load_from_string(made).metadata_props}
    assert json.loads(said["mediaml.labels"]) == ["a/b", "c"]
    assert json.loads(said["mediaml.output"]) == {
        "name": "probabilities",
        "means": "probabilities",
        "threshold": 0.61,
    }


def test_a_head_for_another_backbone_is_refused(tmp_path: Path) -> None:
    head = Head(np.zeros((7, 2)), np.zeros(2))
    with pytest.raises(ModelError, match=r"vectors of 7 numbers, but backbone\.onnx gives 6"):
        compose(backbone(tmp_path, ["n", 6]), head, TRAINED)
