"""The detector evaluator against hand-computed cases."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from scripts.evaluation import detection
from scripts.evaluation.photos import decode_photo, load_index, read_tars

CATEGORIES = [{"id": 0, "name": "person"}, {"id": 1, "name": "bicycle"}, {"id": 2, "name": "car"}]


def _truth(*boxes: tuple[int, int, list[float]]) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "width": 100, "height": 100}, {"id": 2, "width": 100, "height": 100}],
        "annotations": [
            _result(image, kind, box, 1.0) | {"id": number, "area": box[2] * box[3], "iscrowd": 0}
            for number, (image, kind, box) in enumerate(boxes, 1)
        ],
        "categories": CATEGORIES,
    }  # fmt: skip


def _result(image: int, kind: int, box: list[float], score: float) -> dict[str, Any]:
    return {"image_id": image, "category_id": kind, "bbox": box, "score": score}


BOX = [10.0, 10.0, 40.0, 40.0]


def test_perfect_answers_have_an_ap_of_one() -> None:
    truth = _truth((1, 0, BOX), (2, 1, BOX))
    measures = detection.measure(truth, [_result(1, 0, BOX, 0.9), _result(2, 1, BOX, 0.8)])
    assert measures.ap50 == pytest.approx(1.0)
    assert measures.ap == pytest.approx(1.0)
    assert measures.per_class == pytest.approx({"person": 1.0, "bicycle": 1.0})


def test_a_higher_false_alarm_halves_the_precision() -> None:
    truth = _truth((1, 0, BOX))
    wrong, right = _result(2, 0, BOX, 0.9), _result(1, 0, BOX, 0.5)
    # One hit at rank two: precision 1/2 at every recall.
    assert detection.measure(truth, [wrong, right]).ap50 == pytest.approx(0.5)


def test_half_of_the_objects_found_is_51_of_101_recalls() -> None:
    truth = _truth((1, 0, BOX), (2, 0, BOX))
    assert detection.measure(truth, [_result(1, 0, BOX, 0.9)]).ap50 == pytest.approx(51 / 101)


def test_a_loose_box_counts_at_the_low_thresholds_only() -> None:
    truth = _truth((1, 0, [0.0, 0.0, 40.0, 50.0]))
    # 40x40 inside 40x50: IoU .8, so a hit at .50 ... .80, seven of the ten thresholds.
    measures = detection.measure(truth, [_result(1, 0, [0.0, 0.0, 40.0, 40.0], 0.9)])
    assert measures.ap50 == pytest.approx(1.0)
    assert measures.ap == pytest.approx(0.7)


def test_no_answers_are_a_zero_of_every_class_in_the_truth() -> None:
    measures = detection.measure(_truth((1, 0, BOX)), [])
    assert (measures.ap50, measures.ap, dict(measures.per_class)) == (0.0, 0.0, {"person": 0.0})


def test_suppression_keeps_classes_apart_and_the_best_first() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
    scores = np.array([[0.6, 0.5], [0.9, 0.0], [0.0, 0.3]], np.float32)
    kept, classes, best = detection.suppress(boxes, scores)
    # The first box overlaps the second (IoU 9/11) in class 0 and goes; in class 1 nothing is near it.
    assert classes.tolist() == [0, 1, 1]
    assert best.tolist() == pytest.approx([0.9, 0.5, 0.3])
    assert kept.tolist() == [[1, 0, 11, 10], [0, 0, 10, 10], [50, 50, 60, 60]]


def test_letterbox_geometry() -> None:
    fitted = detection.fit_photo(np.zeros((50, 100, 3), np.uint8), 64, 64, "letterbox")
    assert fitted.scale == (0.64, 0.64)
    assert fitted.shift == (0.0, 16.0)
    assert fitted.pixels[0, 0].tolist() == [114] * 3
    assert fitted.pixels[32, 32].tolist() == [0] * 3


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="stretch, letterbox"):
        detection.fit_photo(np.zeros((5, 5, 3), np.uint8), 64, 64, "crop")


def _constant_detector(path: Path, interface: str = "detector/1") -> Path:
    """A graph whose answer is one person box, whatever the 64 x 64 picture: 16, 16 to 48, 48."""
    boxes = numpy_helper.from_array(np.array([[[16, 16, 48, 48]]], np.float32), "boxes")
    scores = numpy_helper.from_array(np.array([[[0.9, 0.0, 0.0]]], np.float32), "scores")
    graph = helper.make_graph(
        [helper.make_node("Constant", [], [value.name], value=value) for value in (boxes, scores)],
        "constant",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [1, 64, 64, 3])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 1, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 1, 3]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(
        model, {"mediaml.interface": interface, "mediaml.input": json.dumps({"width": 64, "height": 64})}
    )
    onnx.save(model, path)
    return path


def _photo_folder(folder: Path) -> Path:
    """Two photos of 128 x 96; the first holds a person where the constant detector, stretched, says so."""
    index = _truth((1, 0, [32.0, 24.0, 64.0, 48.0]))
    with tarfile.open(folder / "val.tar", "w") as tar:
        for image in index["images"]:
            image |= {"file_name": f"{image['id']}.png", "width": 128, "height": 96}
            content = cv2.imencode(".png", np.full((96, 128, 3), (0, 0, 200), np.uint8))[1].tobytes()
            member = tarfile.TarInfo(image["file_name"])
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    (folder / "val.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def test_a_file_and_a_folder_to_figures(tmp_path: Path) -> None:
    model = _constant_detector(tmp_path / "constant.onnx")
    figures = detection.evaluate_detector(model, _photo_folder(tmp_path))
    # One hit and, on the second photo, one false alarm of the same score: ties keep the photos' order.
    assert figures["ap50"] == pytest.approx(1.0)
    assert (figures["photos"], figures["boxes"]) == (2, 1)
    letterboxed = detection.evaluate_detector(model, tmp_path, fit="letterbox")
    # Undone letterbox: 32, 16 to 96, 80, an IoU of 3072 / 4096 = .75.
    assert letterboxed["ap50"] == pytest.approx(1.0)
    assert letterboxed["ap"] == pytest.approx(0.6)


@pytest.mark.train
def test_the_precision_recall_picture_is_written(tmp_path: Path) -> None:
    model = _constant_detector(tmp_path / "constant.onnx")
    detection.evaluate_detector(model, _photo_folder(tmp_path), plots=tmp_path / "plots")
    assert (tmp_path / "plots" / "pr_constant.png").read_bytes().startswith(b"\x89PNG")


def test_another_interface_is_refused(tmp_path: Path) -> None:
    model = _constant_detector(tmp_path / "other.onnx", "classifier/1")
    with pytest.raises(ValueError, match="detector/1"):
        detection.evaluate_detector(model, _photo_folder(tmp_path))


def test_absent_data_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"val\.json"):
        load_index(tmp_path, "val")
    with pytest.raises(FileNotFoundError, match=r"val\.tar"):
        next(read_tars(tmp_path, "val"))
    with pytest.raises(ValueError, match=r"broken\.jpg"):
        decode_photo(b"no picture", "broken.jpg")
