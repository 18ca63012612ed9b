"""The ONNX zoo's yolov3 interface, planted and real, and the real nets against OpenCV's own reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mediaml.darknet.importer import import_darknet
from mediaml.ops.boxes import iou_matrix
from mediaml.plugin import ModelError
from mediaml.testing import frame
from tests.support.models.yolo_graphs import zoo_detector
from tests.support.plugins.yolo import blank, detect, model

# Shares of the input: top, left, bottom, right.
BOXES = [[0.25, 0.125, 0.75, 0.5], [0.0, 0.0, 1.0, 1.0], [0.1, 0.1, 0.2, 0.2]]
CAR, DOG = 2, 16
NANO = "MobileNetV2-YOLOv3-Nano-coco"


def planted_scores(classes: int = 80) -> np.ndarray:
    scores = np.full((classes, 3), 0.01, np.float32)
    scores[CAR, 0], scores[DOG, 1], scores[CAR, 2] = 0.9, 0.8, 0.2
    return scores


@pytest.mark.parametrize("leading_axis", [False, True])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_indices_name_the_boxes(leading_axis: bool, dtype: Any) -> None:
    chosen = [[0, CAR, 0], [0, DOG, 1]]
    graph = zoo_detector(BOXES, planted_scores(), chosen, leading_axis=leading_axis, dtype=dtype)
    yolo = model(graph, imgsz=64)
    assert yolo.fixed_batch == 1
    # 640x480 lies in 64x64 between bars of 8: source = (input - (0, 8)) * 10, clipped.
    assert detect(yolo, blank(640, 480)) == [
        ("car", 0.9, (80.0, 80.0, 320.0, 400.0)),
        ("dog", 0.8, (0.0, 0.0, 640.0, 480.0)),
    ]


def test_input_is_planar_0_1_on_grey_128() -> None:
    sample = model(zoo_detector(BOXES, planted_scores(), []), imgsz=64).prepare(blank(640, 480, 51))
    assert sample.shape == (3, 64, 64)
    assert sample.dtype == np.float32
    np.testing.assert_allclose(sample[:, :8], 128 / 255, rtol=1e-6)
    np.testing.assert_allclose(sample[:, 8:56], 0.2, rtol=1e-6)


def test_size_is_darknets_unless_the_file_says() -> None:
    assert model(zoo_detector(BOXES, planted_scores(), [])).prepare(blank(64, 64)).shape == (3, 416, 416)
    noted = zoo_detector(BOXES, planted_scores(), [], metadata={"input_size": "320x320"})
    assert model(noted).prepare(blank(64, 64)).shape == (3, 320, 320)
    fixed = zoo_detector(BOXES, planted_scores(), [], axes=(96, 128))
    assert model(fixed).prepare(blank(64, 640)).shape == (3, 96, 128)


def test_options_can_be_stricter_than_the_graph() -> None:
    graph = zoo_detector(BOXES, planted_scores(), [[0, CAR, 0], [0, DOG, 1], [0, CAR, 2]])
    assert [name for name, _, _ in detect(model(graph, imgsz=64, conf=0.1), blank(64, 64))] == [
        "car",
        "dog",
        "car",
    ]
    assert len(detect(model(graph, imgsz=64, conf=0.85), blank(64, 64))) == 1
    assert detect(model(graph, imgsz=64, classes=("dog",)), blank(64, 64))[0][0] == "dog"
    assert len(detect(model(graph, imgsz=64, conf=0.1, max_det=1), blank(64, 64))) == 1


def test_suppression_can_be_agnostic_after_the_graphs_own() -> None:
    boxes = [[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.52]]
    scores = np.zeros((80, 2), np.float32)
    scores[CAR, 0], scores[DOG, 1] = 0.9, 0.8
    graph = zoo_detector(boxes, scores, [[0, CAR, 0], [0, DOG, 1]])
    assert len(detect(model(graph, imgsz=64), blank(64, 64))) == 2
    assert [one[0] for one in detect(model(graph, imgsz=64, agnostic_nms=True), blank(64, 64))] == ["car"]


@pytest.mark.parametrize("leading_axis", [False, True])
def test_nothing_found_is_empty_and_filling_is_skipped(leading_axis: bool) -> None:
    empty = zoo_detector(BOXES, planted_scores(), [], leading_axis=leading_axis)
    assert detect(model(empty, imgsz=64), blank(64, 64)) == []
    filled = zoo_detector(BOXES, planted_scores(), [[0, CAR, 0], [-1, -1, -1]], leading_axis=leading_axis)
    assert len(detect(model(filled, imgsz=64), blank(64, 64))) == 1


@pytest.mark.parametrize("index", [[0, CAR, 3], [0, 80, 0], [1, CAR, 0]])
def test_indices_that_point_outside_are_refused(index: list[int]) -> None:
    with pytest.raises(ModelError, match="outside its boxes"):
        detect(model(zoo_detector(BOXES, planted_scores(), [index]), imgsz=64), blank(64, 64))


def test_more_indices_than_there_can_be_are_refused() -> None:
    scores = planted_scores()
    many = [[0, CAR, 0]] * (scores.size + 1)
    with pytest.raises(ModelError, match="of 240 boxes"):
        detect(model(zoo_detector(BOXES, scores, many), imgsz=64), blank(64, 64))


def test_a_batch_of_two_is_refused() -> None:
    yolo = model(zoo_detector(BOXES, planted_scores(), []), imgsz=64)
    with pytest.raises(ModelError, match="does not take this input"):
        yolo.run(np.zeros((2, 3, 64, 64), np.float32))


def test_other_classes_than_cocos_are_ids() -> None:
    graph = zoo_detector(BOXES, planted_scores(20), [[0, CAR, 0]])
    assert detect(model(graph, imgsz=64), blank(64, 64))[0][0] == "2"


@pytest.fixture(scope="module")
def imported(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three real darknet nets as ONNX files."""
    folder = tmp_path_factory.mktemp("imported")
    yolo = assets / "models" / "yolo"
    nets = {}
    for name in (NANO, "yolo-fastest-1.1", "yolo-fastest-1.1-xl"):
        nets[name] = folder / f"{name}.onnx"
        import_darknet(yolo / f"{name}.cfg", yolo / f"{name}.weights", nets[name])
    return nets


def photo(assets: Path, name: str) -> np.ndarray:
    content = np.frombuffer((assets / "media" / "image" / name).read_bytes(), np.uint8)
    return cv2.cvtColor(cv2.imdecode(content, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


# dog.jpg at 320x240 (bilinear, not antialiased) in a rectangle of 320x256 on grey 114, conf .25, iou .45,
# every class of an anchor: what OpenCV 4.14's DNN module answers
# (scripts/evaluation/opencv_reference.py); boxes in pixels of the 768x576 photo.
OPENCV = {
    "yolo-fastest-1.1-xl": [
        ("dog", 0.9357, (109.5, 163.2, 411.6, 537.9)),
        ("car", 0.8746, (453.7, 73.4, 662.6, 163.8)),
        ("bicycle", 0.7943, (115.5, 131.1, 559.6, 503.1)),
        ("cat", 0.4861, (103.3, 195.6, 385.5, 550.9)),
        ("dog", 0.2874, (136.0, 226.9, 310.1, 518.3)),
    ],
    NANO: [
        ("dog", 0.9480, (139.3, 207.7, 349.5, 534.6)),
        ("car", 0.9279, (455.3, 76.0, 673.7, 165.8)),
        ("bicycle", 0.3889, (239.6, 173.7, 577.3, 421.4)),
    ],
    "yolo-fastest-1.1": [
        ("bicycle", 0.6203, (224.5, 184.1, 605.8, 435.4)),
        ("dog", 0.6013, (102.7, 188.2, 416.0, 505.7)),
        ("car", 0.5215, (470.1, 74.9, 655.6, 162.8)),
        ("bicycle", 0.5032, (104.6, 186.1, 422.0, 500.4)),
        ("car", 0.3457, (630.2, 119.5, 687.2, 170.1)),
        ("cat", 0.2528, (106.2, 197.6, 381.9, 507.0)),
    ],
}


@pytest.mark.parametrize("name", OPENCV)
def test_imported_nets_answer_as_opencv_does(name: str, imported: dict[str, Path], assets: Path) -> None:
    small = cv2.resize(photo(assets, "dog.jpg"), (320, 240), interpolation=cv2.INTER_LINEAR)
    yolo = model(imported[name])
    yolo.shape = replace(yolo.shape, whole=replace(yolo.shape.whole, pad=114))
    found = detect(yolo, frame(small))
    assert [label for label, _, _ in found] == [label for label, _, _ in OPENCV[name]]
    for (_, score, box), (_, expected_score, expected_box) in zip(found, OPENCV[name], strict=True):
        assert score == pytest.approx(expected_score, abs=2e-3)
        assert np.multiply(box, 2.4) == pytest.approx(expected_box, abs=0.5)


@pytest.mark.parametrize("name", ["dog.jpg", "person.jpg"])
def test_zoo_graph_and_imported_net_answer_the_same(
    name: str, imported: dict[str, Path], assets: Path
) -> None:
    one = frame(photo(assets, name))
    zoo = model(assets / "models" / "yolo" / f"{NANO}.zoo.onnx")
    theirs, ours = detect(zoo, one), detect(model(imported[NANO]), one)
    assert theirs
    assert [found[0] for found in theirs] == [found[0] for found in ours]
    np.testing.assert_allclose([found[1] for found in theirs], [found[1] for found in ours], atol=2e-3)
    overlaps = iou_matrix(
        np.array([found[2] for found in theirs], np.float32),
        np.array([found[2] for found in ours], np.float32),
    )
    assert overlaps.diagonal().min() > 0.99


def test_dog_bicycle_and_car_are_seen(imported: dict[str, Path], assets: Path) -> None:
    found = detect(model(imported["yolo-fastest-1.1-xl"]), frame(photo(assets, "dog.jpg")))
    assert {"dog", "bicycle", "car"} <= {name for name, _, _ in found}
