"""Weights of other formats, weights that do not fit, and names that were nearly right."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from mediaml.store.bundled import bundled_model
from tests.support.media.files import write_image
from tests.support.models import onnx_files
from tests.support.models.yolo_graphs import dense_detector
from tests.support.plugins.strangers import install_plugin

BOX = [[0.0, 0.0, 32.0, 32.0]]


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(5):
        write_image(tmp_path / "in" / f"{number}.png", 64, 64)


def run(mediaml, *arguments):
    said = mediaml("run", "in", "-o", "out", "--device", "cpu", "--no-annotate", *arguments)
    assert "Traceback" not in said.err
    return said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("net.weights", "net.weights -o net.onnx` converts it."),
        ("net.cfg", "net.weights -o net.onnx` converts it."),
        ("yolov8n.pt", "`yolo export model=yolov8n.pt format=onnx`"),
        ("net.PTH", "torch.onnx.export"),
        ("net.tflite", "tf2onnx.convert --tflite net.tflite --output net.onnx"),
        ("net.engine", "a TensorRT engine"),
        ("net.pb", "a TensorFlow graph"),
        ("net.safetensors", "weights without a graph"),
        ("net.mlmodel", "a Core ML model"),
        ("net.h5", "a Keras file"),
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_other_formats_are_named_with_the_way_to_onnx(mediaml, photos, tmp_path, name, says, exists):
    if exists:
        (tmp_path / name).write_bytes(b"weights of another kind")
    said = run(mediaml, "-p", "yolo", "-m", name)
    assert said.code == 4
    assert says in said.err
    assert len(said.err.strip().splitlines()) == 2


def test_a_path_that_is_nearly_right_gets_a_suggestion(mediaml, photos, tmp_path):
    (tmp_path / "detector-v2.onnx").write_bytes(dense_detector(BOX, [[0.9, 0, 0]]))
    said = run(mediaml, "-p", "yolo", "-m", "detector_v2.onnx")
    assert said.code == 4
    assert "Did you mean 'detector-v2.onnx'?" in said.err


def test_a_catalogue_name_in_capitals_gets_a_suggestion(mediaml, photos):
    said = run(mediaml, "-p", "yolo", "-m", "YOLOv3-Tiny")
    assert said.code == 4
    assert "Did you mean 'yolov3-tiny'?" in said.err


@pytest.mark.parametrize(
    ("model", "weights", "says"),
    [
        ("yolo", "digits", "is a classifier, not a detector"),
        ("digits", "detector", "is not a digit model"),
        ("financial", "digits", 'has 11 labels, not two of which one is "financial"'),
        ("clip", "digits", "is not a CLIP tower"),
    ],
)
def test_weights_that_do_not_fit_are_refused_at_once(mediaml, photos, model, weights, says):
    said = run(mediaml, "-p", model, "-m", bundled_model(weights))
    assert said.code == 4
    assert says in said.err
    assert "failed" not in said.err


FEEDS_ONE = """
from mediaml.plugin import ImageInput, Label, ModelSpec, OnnxModel, hookimpl

class Plain(OnnxModel):
    input = {input}

    def decode(self, outputs, frames):
        return [Label("seen", 1.0) for _ in frames]

@hookimpl
def mediaml_models():
    yield ModelSpec("plain", task="classify", load=Plain)
"""
IMAGES = ("images", TensorProto.FLOAT, ["batch", 3, 32, 32])
OUT = ("out", TensorProto.FLOAT, ["batch", 3, 32, 32])


@pytest.mark.parametrize(
    ("inputs", "wanted", "says"),
    [
        ([IMAGES, ("sizes", TensorProto.FLOAT, [1, 2])], "ImageInput(32, 32)", "it has 2 inputs"),
        (
            [IMAGES],
            "ImageInput(64, 64)",
            "it takes images float32 [?, 3, 32, 32], but the model feeds it images float32",
        ),
        ([IMAGES], "ImageInput(32, 32, dtype='uint8')", "but the model feeds it images uint8 [?, 3, 32, 32]"),
        (
            [IMAGES],
            "ImageInput(32, 32, layout='NHWC')",
            "but the model feeds it images float32 [?, 32, 32, 3]",
        ),
        ([IMAGES], "None", "does not say how images are prepared for plain"),
        ([IMAGES], "ImageInput(32, 32)", ""),
    ],
)
def test_a_graph_is_compared_with_what_it_is_fed(
    mediaml, photos, tmp_path, monkeypatch, inputs, wanted, says
):
    site = install_plugin(tmp_path / "site", "plain", FEEDS_ONE.format(input=wanted))
    monkeypatch.syspath_prepend(site)
    nodes = [helper.make_node("Identity", ["images"], ["out"])]
    save(onnx_files.model(inputs, [OUT], nodes), tmp_path / "net.onnx")
    said = run(mediaml, "-p", "plain", "-m", "net.onnx")
    assert said.code == (4 if says else 0)
    assert says in said.err


def test_a_fixed_batch_is_filled_up(mediaml, photos, tmp_path):
    (tmp_path / "four.onnx").write_bytes(dense_detector(BOX, [[0.9, 0, 0]], axes=(4, 64, 64)))
    assert run(mediaml, "-p", "yolo", "-m", "four.onnx").code == 0
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()[1:]]
    assert [len(line["detections"]) for line in lines] == [1] * 5


def test_labels_with_commas_are_quoted(mediaml, photos, tmp_path):
    labels = ("tench, Tinca tinca", "red fox, Vulpes", "cat")
    (tmp_path / "net.onnx").write_bytes(dense_detector(BOX * 3, 0.9 * np.eye(3), labels=labels))
    said = run(mediaml, "-p", "yolo", "-m", "net.onnx", "-O", 'yolo.classes="tench, tinca tinca",cat')
    assert said.code == 0
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()[1:]]
    assert {found["label"] for line in lines for found in line["detections"]} == {labels[0], "cat"}
    said = run(mediaml, "-p", "yolo", "-m", "net.onnx", "-O", "yolo.classes=red fox")
    assert said.code == 2
    assert """Did you mean 'red fox, Vulpes'? Quote it: -O 'yolo.classes="red fox, Vulpes"'""" in said.err
    said = run(mediaml, "-p", "yolo", "-m", "net.onnx", "-O", 'yolo.classes="red fox')
    assert said.code == 2
    assert "the list cannot be read (unexpected end of data)" in said.err
