"""COCO exports load and evaluate in pycocotools, with boxes, outlines and keypoints."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import mediaml
from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Keypoint, Prediction
from mediaml.core.view import View
from mediaml.core.work import ModelIdentity
from tests.support.export_folder import ExportFolder, found

OUTLINE = ((10.0, 20.0), (60.0, 20.0), (60.0, 80.0), (10.0, 80.0))
POINTS = tuple(Keypoint(10.0 + n, 20.0 + n, 0.0 if n == 3 else 0.9) for n in range(17))


def load(folder):
    truth = COCO(str(folder / "instances.json"))
    return truth, truth.loadRes(str(folder / "results.json"))


def average_precision(truth, seen, kind):
    evaluation = COCOeval(truth, seen, kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats[0]


def test_a_data_set_evaluates_perfectly_against_its_own_detections(made, tmp_path):
    truth, seen = load(mediaml.export(made.folder, "coco", tmp_path / "coco"))
    assert average_precision(truth, seen, "bbox") == pytest.approx(1.0)
    names = {image["id"]: image["file_name"] for image in truth.dataset["images"]}
    assert len(names) == 16
    assert names[1] == "in/photo.jpg"
    assert names[2] == "in/walk.mp4/000000.jpg"
    assert [category["name"] for category in truth.loadCats([1, 2])] == ["person", "traffic light"]


def test_boxes_and_scores_are_those_of_the_ledger(made, tmp_path):
    truth, seen = load(mediaml.export(made.folder, "coco", tmp_path / "coco", min_score=0.5))
    (light,) = seen.loadAnns(seen.getAnnIds(imgIds=[1], catIds=[2]))
    assert light["bbox"] == [150.25, 0.0, 49.75, 33.5]
    assert light["score"] == pytest.approx(0.6, abs=1e-5)
    (same,) = truth.loadAnns(truth.getAnnIds(imgIds=[1], catIds=[2]))
    assert same["area"] == pytest.approx(49.75 * 33.5, abs=0.01)
    tracked = truth.loadAnns(truth.getAnnIds(catIds=[1]))
    assert [one["track_id"] for one in tracked if "track_id" in one] == [1] * 10


def test_a_lower_score_costs_precision_against_a_higher_one(made, tmp_path):
    """Detections of one export evaluate against the data set of another."""
    few = mediaml.export(made.folder, "coco", tmp_path / "few", min_score=0.8)
    truth = COCO(str(few / "instances.json"))
    many = mediaml.export(made.folder, "coco", tmp_path / "many", everything=True)
    seen = truth.loadRes(str(many / "results.json"))
    assert average_precision(truth, seen, "bbox") == pytest.approx(1.0)
    assert len(seen.anns) == 17 > len(truth.anns) == 11


def test_outlines_are_masks(tmp_path):
    folder = ExportFolder(tmp_path / "out")
    shaped = found("person", 0.9, (10, 20, 60, 80), outline=(OUTLINE,))
    folder.add("a.jpg", Kind.IMAGE, [Prediction(detections=(shaped,))])
    folder.ledger.close()
    truth, seen = load(mediaml.export(tmp_path / "out", "coco"))
    assert average_precision(truth, seen, "segm") == pytest.approx(1.0)
    mask = seen.annToMask(seen.anns[1])
    expected = np.zeros((100, 200), np.uint8)
    expected[20:80, 10:60] = 1
    assert np.array_equal(mask, expected)
    assert truth.anns[1]["area"] == 50 * 60


def test_keypoints_evaluate(tmp_path):
    folder = ExportFolder(tmp_path / "out")
    posed = found("person", 0.9, (10, 20, 60, 80), keypoints=POINTS)
    folder.add("a.jpg", Kind.IMAGE, [Prediction(detections=(posed,))])
    folder.ledger.close()
    truth, seen = load(mediaml.export(tmp_path / "out", "coco"))
    assert average_precision(truth, seen, "keypoints") == pytest.approx(1.0)
    annotation = truth.anns[1]
    assert annotation["num_keypoints"] == 16
    assert annotation["keypoints"][:3] == [10.0, 20.0, 2]
    assert annotation["keypoints"][9:12] == [0, 0, 0]
    assert truth.cats[1]["keypoints"][5] == "left_shoulder"


def test_several_models_share_images_and_names(tmp_path):
    folder = ExportFolder(tmp_path / "out")
    other = folder.ledger.add_model(
        ModelIdentity("cars", "detect", "cars", "cars", "1", "", "", "{}"), View(), ("car", "person")
    )
    for model, name in ((folder.yolo, "person"), (other, "car")):
        folder.add("a.jpg", Kind.IMAGE, [Prediction(detections=(found(name, 0.9, (1, 2, 3, 4)),))], 0, model)
    folder.ledger.close()
    truth, _ = load(mediaml.export(tmp_path / "out", "coco"))
    assert len(truth.imgs) == 1
    assert [truth.cats[one["category_id"]]["name"] for one in truth.anns.values()] == ["person", "car"]


def test_frames_without_detections_are_images(made, tmp_path):
    folder = mediaml.export(made.folder, "coco", tmp_path / "coco", min_score=1.0)
    written = json.loads((folder / "instances.json").read_text())
    assert (len(written["images"]), written["annotations"]) == (16, [])
    assert json.loads((folder / "results.json").read_text()) == []


def test_labels_alone_are_refused_with_a_way_on(made):
    with pytest.raises(OutputError, match=r"no detections, and coco is a format of boxes\.\ncsv"):
        mediaml.export(made.folder, "coco", models=["spoken"])
    assert not (made.folder / "coco").exists()
    assert not (made.folder / "coco.part").exists()
