"""What inputs and outputs of a detector are for, and what is said of a graph that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediaml.core.errors import ModelError
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import Session, open_session
from mediaml_yolo.graphs import DetectorGraph, detector_graph
from tests.support.models import onnx_files
from tests.support.models.yolo_graphs import dense_detector, zoo_detector


def opened(model: bytes | Path) -> Session:
    return open_session(model, parse_device("cpu"))


def test_roles_follow_from_the_interface() -> None:
    own, zoo = dense_detector([[0, 0, 1, 1]], [[1, 0, 0]]), zoo_detector([[0, 0, 1, 1]], [[1]], [[0, 0, 0]])
    assert detector_graph(opened(own)) == DetectorGraph("detector/1", "images", "boxes", "scores")
    assert detector_graph(opened(zoo)) == DetectorGraph(
        "zoo-yolov3", "input_1", "boxes_out", "scores_out", "image_shape", "indices_out"
    )


def test_a_model_that_is_no_detector_says_what_it_has() -> None:
    with pytest.raises(ModelError) as caught:
        detector_graph(opened(onnx_files.doubling().SerializeToString()))
    assert "has inputs x float32 [?, 3] and outputs y float32 [?, 3]." in str(caught.value)
    assert "`images` uint8 [batch, height, width, 3]" in str(caught.value)


def test_a_classifier_is_named_as_one() -> None:
    classifier = onnx_files.doubling({"mediaml.interface": "classifier/1"}).SerializeToString()
    with pytest.raises(ModelError, match=r"\(a classifier\)"):
        detector_graph(opened(classifier))


def test_the_shared_models_are_told_apart(assets: Path) -> None:
    models = assets / "models" / "yolo"
    graph = detector_graph(opened(models / "MobileNetV2-YOLOv3-Nano-coco.zoo.onnx"))
    assert (graph.interface, graph.image, graph.image_shape) == ("zoo-yolov3", "input_1", "image_shape")
    with pytest.raises(ModelError, match=r"\(a raw YOLOX grid\)"):
        detector_graph(opened(models / "yolox_nano.onnx"))
