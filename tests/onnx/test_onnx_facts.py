"""Metadata, detector interfaces told apart by the graph, and the facts of a file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import ModelError
from mediaml.core.model_input import ImageInput
from mediaml.onnx.inspect import model_file_facts
from mediaml.onnx.interface import TensorSpec, interface_of
from mediaml.onnx.metadata import read_audio_input, read_image_input, read_labels, read_stride, set_metadata
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from tests.support.models import onnx_files as material

IMAGES = TensorSpec("images", (None, None, None, 3), "uint8")
BOXES = TensorSpec("boxes", (None, None, 4), "float32")
SCORES = TensorSpec("scores", (None, None, 80), "float32")
INPUT_1 = TensorSpec("input_1", (1, 3, None, None), "float32")
IMAGE_SHAPE = TensorSpec("image_shape", (1, 2), "float32")
ZOO_SCORES = TensorSpec("s", (1, 80, None), "float32")


def test_own_interface_is_told_by_the_graph() -> None:
    assert interface_of([IMAGES], [BOXES, SCORES], {}) == "detector/1"
    assert interface_of([IMAGES], [SCORES, BOXES], {}) == "detector/1"
    fixed = TensorSpec("images", (1, 320, 320, 3), "uint8")
    assert interface_of([fixed], [BOXES, SCORES], {}) == "detector/1"


@pytest.mark.parametrize("indices", [(None, 3), (1, None, 3), (None, None, 3)])
def test_zoo_interface_is_told_by_the_graph(indices: tuple[int | None, ...]) -> None:
    outputs = [TensorSpec("b", (1, None, 4), "float32"), ZOO_SCORES, TensorSpec("i", indices, "int32")]
    assert interface_of([INPUT_1, IMAGE_SHAPE], outputs, {}) == "zoo-yolov3"
    assert interface_of([IMAGE_SHAPE, INPUT_1], outputs, {}) == "zoo-yolov3"


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ([TensorSpec("images", (None, None, None, 3), "float32")], [BOXES, SCORES]),
        ([TensorSpec("images", (None, 3, None, 640), "uint8")], [BOXES, SCORES]),
        ([IMAGES], [BOXES]),
        ([IMAGES], [TensorSpec("boxes", (None, None, 5), "float32"), SCORES]),
        ([IMAGES, IMAGE_SHAPE], [BOXES, SCORES]),
        ([INPUT_1, IMAGE_SHAPE], [BOXES, SCORES]),
        ([INPUT_1, IMAGE_SHAPE], [BOXES, ZOO_SCORES, TensorSpec("i", (None, 3), "float32")]),
        ([INPUT_1, IMAGE_SHAPE], [BOXES, ZOO_SCORES, TensorSpec("i", (None, 4), "int32")]),
        ([], []),
    ],
)
def test_metadata_alone_make_no_detector(inputs: list[TensorSpec], outputs: list[TensorSpec]) -> None:
    assert interface_of(inputs, outputs, {"mediaml.interface": "detector/1"}) == "unknown"


def test_the_shared_models_are_told_apart(assets: Path) -> None:
    models = assets / "models"
    zoo = models / "yolo" / "MobileNetV2-YOLOv3-Nano-coco.zoo.onnx"
    facts = model_file_facts(zoo)
    assert (facts.interface, facts.opset, facts.name) == ("zoo-yolov3", 13, zoo.stem)
    assert model_file_facts(models / "yolo" / "yolox_nano.onnx").interface == "yolox"
    digits = model_file_facts(models / "mnist" / "mnist-7.onnx")
    assert (digits.interface, digits.parameters, digits.producer) == ("unknown", 5998 - 2 - 2, "CNTK 2.5.1")
    assert [spec.name for spec in digits.inputs] == ["Input3"]


def test_facts_equal_what_a_session_says(tmp_path: Path) -> None:
    metadata = {
        "mediaml.interface": "classifier/1",
        "mediaml.name": "doubler",
        "mediaml.labels": '["a", "b", "c"]',
        "mediaml.input": '{"sample_rate": 8000, "band": [20, 4000]}',
    }
    model = material.doubling(metadata)
    model.producer_name, model.producer_version = "somebody", "7"
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    facts, session = model_file_facts(path), open_session(path, parse_device("cpu"))
    for name in (
        "inputs",
        "outputs",
        "interface",
        "metadata",
        "labels",
        "image_input",
        "audio_input",
        "stride",
        "sha256",
    ):
        assert getattr(facts, name) == getattr(session, name), name
    assert facts.audio_input == AudioInput(sample_rate=8000, band=(20, 4000))
    assert (facts.interface, facts.name, facts.producer) == ("classifier/1", "doubler", "somebody 7")
    assert (facts.opset, facts.ir_version, facts.parameters) == (17, 8, 1)
    assert (facts.size_bytes, facts.sha256) == (
        path.stat().st_size,
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def test_facts_of_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model file"):
        model_file_facts(tmp_path / "none.onnx")
    for content in (b"hello", b"\x08\x03", b"[net]\nwidth=32\n" * 9, b"\x89PNG\r\n\x1a\n"):
        (tmp_path / "m.onnx").write_bytes(content)
        with pytest.raises(ModelError, match="is not an ONNX model"):
            model_file_facts(tmp_path / "m.onnx")


def test_constants_in_nodes_are_parameters_and_shapes_are_not(tmp_path: Path) -> None:
    tensor = helper.make_tensor("t", TensorProto.FLOAT, [2, 3], [0.0] * 6)
    model = material.model(
        [("x", TensorProto.FLOAT, [6])],
        [("y", TensorProto.FLOAT, [2, 3])],
        [
            helper.make_node("Constant", [], ["c"], value=tensor),
            helper.make_node("Reshape", ["x", "shape"], ["r"]),
            helper.make_node("Add", ["r", "c"], ["y"]),
        ],
        constants={"shape": np.array([2, 3], np.int64)},
    )
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    assert model_file_facts(tmp_path / "m.onnx").parameters == 6


@given(st.lists(st.text(max_size=20), max_size=5))
def test_labels_survive(labels: list[str]) -> None:
    assert read_labels({"mediaml.labels": json.dumps(labels)}) == tuple(labels)
    assert read_labels({"names": repr(dict(enumerate(labels)))}) == tuple(labels)
    assert read_labels({"names": repr(labels)}) == tuple(labels)


@pytest.mark.parametrize(
    "names", ["", "{", "{1: 'a'}", "{0: 1}", "'abc'", "open('x')", "[" * 5000, "9" * 2_000_000, "{0: 'a'"]
)
def test_other_names_are_no_labels(names: str) -> None:
    assert read_labels({"names": names}) is None
    assert read_labels({}) is None


def test_inputs_are_read() -> None:
    text = (
        '{"type":"image","width":32,"height":16,"fit":"crop","mean":[0.5,0.4,0.3],"std":[1,1,1],"stride":8}'
    )
    metadata = {"mediaml.input": text}
    expected = ImageInput(32, 16, fit="crop", mean=(0.5, 0.4, 0.3), std=(1.0, 1.0, 1.0))
    assert read_image_input(metadata) == expected
    assert read_audio_input(metadata) is None
    assert read_stride(metadata) == 8
    sound = {"mediaml.input": '{"type": "sound", "mels": 40}'}
    assert read_audio_input(sound) == AudioInput(mels=40)
    assert read_image_input(sound) is None
    assert read_stride(sound) is None
    assert (read_image_input({}), read_audio_input({}), read_stride({})) == (None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"width": 32}',
        '{"width": "32", "height": 32}',
        '{"width": 0, "height": 32}',
        '{"width": 32, "height": 32, "fit": "squeeze"}',
        '{"type": "sound", "mels": 0}',
    ],
)
def test_inputs_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ModelError, match=r"metadata `mediaml\.input` cannot be read"):
        if read_image_input({"mediaml.input": text}) is None:
            read_audio_input({"mediaml.input": text})


def test_metadata_is_replaced() -> None:
    model = material.doubling({"old": "1"})
    set_metadata(model, {"b": "2", "a": "3"})
    assert [(entry.key, entry.value) for entry in model.metadata_props] == [("b", "2"), ("a", "3")]
