"""Layouts whose makers are not at hand, options, and fixed batches: on graphs that answer planted numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from mediaml.plugin import LoadContext, ModelError, Prediction
from mediaml_yolo.model import Detector
from mediaml_yolo.options import DetectorOptions
from tests.support.media.files import write_image
from tests.support.models.stated_graphs import spec, stated_graph
from tests.support.plugins.yolo import blank

IMAGE = spec("images", "float32", 1, 3, 64, 64)


def detector(graph: bytes, folder: Path, said: list[str] | None = None, **options: Any) -> Detector:
    path = folder / "model.onnx"
    path.write_bytes(graph)
    context = LoadContext(
        DetectorOptions(**options),
        path,
        lambda given: open_session(given, parse_device("cpu"), threads=1),
        (said if said is not None else []).append,
    )
    return Detector(context, "detect")


def found(model: Detector, width: int = 128, height: int = 128) -> list[tuple[str, float, list[float]]]:
    prediction = Prediction.of(model.predict([blank(width, height)])[0])
    return [
        (one.label.name, round(one.label.score, 3), list(one.box.corners)) for one in prediction.detections
    ]


def tensorflow_graph(classes: list[float]) -> bytes:
    outputs = [
        spec("detection_boxes:0", "float32", 1, None, 4),
        spec("detection_classes:0", "float32", 1, None),
        spec("detection_scores:0", "float32", 1, None),
        spec("num_detections:0", "float32", 1),
    ]
    boxes = np.array([[[0.25, 0.0, 1.0, 0.5]] * len(classes)])
    arrays = [boxes, np.array([classes]), np.array([[0.9] * len(classes)]), np.array([len(classes)])]
    return stated_graph([spec("image_tensor:0", "uint8", 1, None, None, 3)], outputs, arrays)


def test_tensorflow_counts_classes_from_one_and_takes_images_as_they_are(tmp_path: Path) -> None:
    said: list[str] = []
    model = detector(tensorflow_graph([3.0, 90.0]), tmp_path, said)
    assert model.prepare(blank(50, 30)).shape == (30, 50, 3)
    assert model.prepare(blank(50, 30)).dtype == np.uint8
    assert found(model, 200, 100) == [
        ("car", 0.9, [0.0, 25.0, 100.0, 100.0]),
        ("toothbrush", 0.9, [0.0, 25.0, 100.0, 100.0]),
    ]
    assert said == ["model.onnx: no class names; assuming those of COCO by category id"]
    (tmp_path / "labels.txt").write_text("cat\ndog\nbird\n")
    assert [one[0] for one in found(detector(tensorflow_graph([1.0, 3.0]), tmp_path))] == ["cat", "bird"]
    with pytest.raises(ModelError, match="returned class 4, but it has 3 labels"):
        found(detector(tensorflow_graph([4.0]), tmp_path))


def test_the_zoos_ssd_answers_shares(tmp_path: Path) -> None:
    outputs = [
        spec("bboxes", "float32", 1, None, 4),
        spec("labels", "int64", 1, None),
        spec("scores", "float32", 1, None),
    ]
    arrays = [np.array([[[0.0, 0.25, 0.5, 1.0]]]), np.array([[1]]), np.array([[0.7]])]
    model = detector(stated_graph([IMAGE], outputs, arrays), tmp_path)
    assert found(model, 200, 100) == [("person", 0.7, [0.0, 25.0, 100.0, 100.0])]


def test_rf_detr_scores_each_class_by_itself(tmp_path: Path) -> None:
    logits = np.full((1, 2, 91), -9.0)
    logits[0, 0, 18], logits[0, 1, 3], logits[0, 1, 18] = 2.0, 1.0, 0.5
    outputs = [spec("dets", "float32", 1, 2, 4), spec("labels", "float32", 1, 2, 91)]
    boxes = np.array([[[0.5, 0.5, 0.5, 0.5], [0.25, 0.25, 0.5, 0.5]]])
    model = detector(
        stated_graph([spec("input", "float32", 1, 3, 56, 56)], outputs, [boxes, logits]), tmp_path
    )
    # As many answers as queries, the best ones.
    assert found(model) == [("dog", 0.881, [32.0, 32.0, 96.0, 96.0]), ("car", 0.731, [0.0, 0.0, 64.0, 64.0])]
    assert model.prepare(blank(9, 9, 0))[0, 0, 0] == pytest.approx(-0.485 / 0.229)


def test_the_last_class_of_a_fine_tuned_rf_detr_stands_for_nothing(tmp_path: Path) -> None:
    logits = np.array([[[-9.0, 1.0, 3.0], [2.0, -9.0, 1.5]]])
    outputs = [spec("dets", "float32", 1, 2, 4), spec("labels", "float32", 1, 2, 3)]
    boxes = np.array([[[0.5, 0.5, 0.5, 0.5], [0.25, 0.25, 0.5, 0.5]]])
    graph = stated_graph([spec("input", "float32", 1, 3, 56, 56)], outputs, [boxes, logits])
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    assert [one[:2] for one in found(detector(graph, tmp_path))] == [("cat", 0.881), ("dog", 0.731)]
    (tmp_path / "labels.txt").write_text("cat\ndog\nbird\n")
    assert [one[0] for one in found(detector(graph, tmp_path))] == ["bird", "cat"]


def head(*rows: list[float], dtype: str = "float32", batch: int | None = 1, **metadata: str) -> bytes:
    """Two classes, YOLOv8's layout for 64 x 64 pixels: 84 boxes, the first of which are given."""
    grid = np.zeros((batch or 1, 6, 84))
    for index, row in enumerate(rows):
        grid[:, :, index] = row
    image = spec("images", dtype, batch, 3, 64, 64)
    return stated_graph([image], [spec("output0", dtype, batch, 6, 84)], [grid], metadata)


DOG = [32.0, 32.0, 16.0, 16.0, 0.1, 0.75]


def test_half_precision_is_fed_and_read(tmp_path: Path) -> None:
    model = detector(head(DOG, dtype="float16", names="['cat', 'dog']"), tmp_path)
    assert model.prepare(blank(64, 64)).dtype == np.float16
    assert found(model) == [("dog", 0.75, [48.0, 48.0, 80.0, 80.0])]


@pytest.mark.parametrize("batch", [2, 4])
def test_a_fixed_batch_is_filled(tmp_path: Path, batch: int, mediaml: Any) -> None:
    path = tmp_path / "fixed.onnx"
    path.write_bytes(head(DOG, batch=batch, names="['cat', 'dog']"))
    photos = [tmp_path / f"{number}.png" for number in range(3)]
    for photo in photos:
        write_image(photo, 64, 64)
    said = mediaml("run", "-p", "yolo", "-m", path, *photos, "--device", "cpu", "--no-annotate")
    assert said.code == 0, said.err
    assert "dog 3 in 3 files" in said.err + said.out


def test_suppression_is_the_familys_unless_asked_for(tmp_path: Path) -> None:
    # They overlap by 0.6.
    near = [36.0, 32.0, 16.0, 16.0, 0.0, 0.5]
    graph = head(DOG, near, names="['cat', 'dog']")
    assert len(found(detector(graph, tmp_path))) == 2
    assert len(found(detector(graph, tmp_path, iou=0.5))) == 1
    other = [32.0, 32.0, 16.0, 16.0, 0.6, 0.0]
    graph = head(DOG, other, names="['cat', 'dog']")
    assert len(found(detector(graph, tmp_path))) == 2
    assert len(found(detector(graph, tmp_path, agnostic_nms=True))) == 1


def test_a_box_answers_for_its_best_class_alone(tmp_path: Path) -> None:
    assert len(found(detector(head([32, 32, 16, 16, 0.6, 0.7], names="['cat', 'dog']"), tmp_path))) == 1


def test_names_of_another_number_are_refused_with_the_way_on(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("names: [a, b, c]\n")
    with pytest.raises(
        ModelError, match=r"has 2 classes, but data\.yaml beside it names 3(.|\n)*model\.names"
    ):
        detector(head(DOG), tmp_path)
    (tmp_path / "model.names").write_text("cat\ndog\n")
    assert found(detector(head(DOG), tmp_path))[0][0] == "dog"


def test_a_network_whose_scores_are_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"not 0\.\.1"):
        found(detector(head([32, 32, 16, 16, 7.5, 0.0]), tmp_path))
    with pytest.raises(ModelError, match="not all finite"):
        found(detector(head([32, 32, 16, 16, float("nan"), 0.0]), tmp_path))


def test_yolox_that_is_neither_raw_nor_decoded_asks(tmp_path: Path) -> None:
    grid = np.full((1, 84, 8), 4.0)
    graph = stated_graph([IMAGE], [spec("output", "float32", 1, 84, 8)], [grid])
    with pytest.raises(ModelError, match=r"neither its raw grid nor its boxes(.|\n)*family=yolox-decoded"):
        detector(graph, tmp_path)
    assert detector(graph, tmp_path, family="yolox").layout.family == "yolox"


def test_a_dynamic_graph_gets_a_rectangle_and_its_own_size(tmp_path: Path) -> None:
    image = spec("images", "float32", None, 3, None, None)
    metadata = {
        "author": "Ultralytics",
        "task": "detect",
        "names": "{0: 'cat', 1: 'dog'}",
        "imgsz": "[128, 128]",
    }
    graph = stated_graph(
        [image], [spec("output0", "float32", None, 6, None)], [np.zeros((1, 6, 84))], metadata
    )
    assert detector(graph, tmp_path).prepare(blank(640, 320)).shape == (3, 64, 128)
    assert detector(graph, tmp_path, imgsz=256).prepare(blank(320, 640)).shape == (3, 256, 128)
    with pytest.raises(Exception, match="multiple of 32"):
        detector(graph, tmp_path, imgsz=100)
