"""`mediaml models quantize`: an int8 file that runs, what stays in float, and what it says."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mediaml.onnx.precision import precision_of
from mediaml.onnx.quantize import head_nodes, shape_nodes


@pytest.fixture
def pictures(tmp_path):
    """Digits that OpenCV writes, one per file."""
    (tmp_path / "pictures").mkdir()
    for digit in range(10):
        image = np.zeros((64, 64), np.uint8)
        cv2.putText(image, str(digit), (16, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 5)
        cv2.imwrite(str(tmp_path / "pictures" / f"{digit}.png"), image)
    return tmp_path / "pictures"


def test_an_int8_file_is_written_compared_and_runs(mediaml, pictures, tmp_path):
    said = mediaml("models", "quantize", "digits", "--calibrate", pictures, "-o", "small.onnx")
    assert said.code == 0, said.err
    agreement = next(line for line in said.out.splitlines() if "same first label, 5 other frames" in line)
    assert float(agreement.split()[-1]) >= 0.8
    assert "small.onnx: calibrated on 5 frames, " in said.out
    assert precision_of(tmp_path / "small.onnx") == "int8"
    assert (tmp_path / "small.onnx").stat().st_size < 300_000
    before = mediaml("run", "-p", "digits", pictures, "-o", "a", "-q", "--jsonl", "-").out
    after = mediaml("run", "-p", "digits", "-m", "small.onnx", pictures, "-o", "b", "-q", "--jsonl", "-").out
    assert len(after.splitlines()) == len(before.splitlines())


def test_the_labels_of_the_file_are_kept(mediaml, pictures, tmp_path):
    assert mediaml("models", "quantize", "digits", "--calibrate", pictures, "-o", "small.onnx").code == 0
    keys = {entry.key for entry in onnx.load(tmp_path / "small.onnx").metadata_props}
    assert "mediaml.labels" in keys


def test_a_folder_without_frames_calibrates_nothing(mediaml, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no media\n")
    said = mediaml("models", "quantize", "digits", "--calibrate", "empty", "-o", "small.onnx")
    assert said.code == 5
    assert "empty holds 0 frames that can be read" in said.err
    assert not (tmp_path / "small.onnx").exists()


def graph(nodes, *outputs):
    """A model of an image `x` and weights `w`."""
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    weights = [helper.make_tensor("w", TensorProto.FLOAT, [3, 3, 1, 1], [0.1] * 9)]
    return helper.make_model(helper.make_graph(nodes, "g", values, made, weights))


def test_heads_reach_up_to_the_last_convolution():
    model = graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], name="below"),
            helper.make_node("Relu", ["a"], ["b"], name="between"),
            helper.make_node("Conv", ["b", "w"], ["c"], name="last"),
            helper.make_node("Sigmoid", ["c"], ["y"], name="after"),
            helper.make_node("Conv", ["a", "w"], ["z"]),
        ],
        *("y", "z"),
    )
    assert head_nodes(model) == {"last", "after", "node_4"}


def test_what_computes_shapes_is_not_rounded():
    model = graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], name="data"),
            helper.make_node("Constant", [], ["two"], name="scale", value_floats=[1.0, 1.0, 2.0, 2.0]),
            helper.make_node("Shape", ["a"], ["s"], name="shape"),
            helper.make_node("Gather", ["s", "s"], ["g"], name="of shape"),
            helper.make_node("Resize", ["a", "", "two"], ["y"], name="resize"),
        ],
        "y",
    )
    assert shape_nodes(model) == {"scale", "shape", "of shape"}
