"""Detections against a ground truth: counts by hand, AP against pycocotools on a file of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mediaml.compare.evaluate import Evaluation, evaluate
from mediaml.compare.truth import match_sources, read_truth
from mediaml.core.errors import UsageError
from mediaml.core.media import Kind
from mediaml.core.prediction import Detection, Prediction
from mediaml.ledger.results import open_results
from tests.support.export_folder import ExportFolder, found

PERSON, LIGHT, DRAGON = 1, 10, 99


def truth_file(path: Path, images: dict[str, Sequence[tuple[int, tuple[float, ...], int]]]) -> Path:
    """A COCO file: objects (category, left top width height, crowd) by file name."""
    names = {PERSON: "Person", LIGHT: "traffic light", DRAGON: "dragon"}
    record: dict[str, Any] = {
        "images": [
            {"id": n, "file_name": name, "width": 200, "height": 100} for n, name in enumerate(images, 7)
        ],
        "categories": [{"id": number, "name": name} for number, name in names.items()],
        "annotations": [
            {
                "id": 0,
                "image_id": n,
                "category_id": kind,
                "bbox": box,
                "iscrowd": crowd,
                "area": box[2] * box[3],
            }
            for n, objects in enumerate(images.values(), 7)
            for kind, box, crowd in objects
        ],
    }
    for number, one in enumerate(record["annotations"], 1):
        one["id"] = number
    path.write_text(json.dumps(record))
    return path


def evaluated(out: Path, truth: Path) -> Evaluation:
    with open_results(out) as results:
        matched = match_sources(read_truth(truth), results.sources(), truth)
        return evaluate(results, results.models()[0], matched)


def out_folder(path: Path, images: dict[str, Sequence[Detection]]) -> Path:
    made = ExportFolder(path)
    for name, detections in images.items():
        made.add(name, Kind.IMAGE, [Prediction(detections=tuple(detections))])
    return path


OBJECTS = {
    "a.jpg": [(PERSON, (10, 10, 40, 40), 0), (LIGHT, (100, 0, 20, 30), 0)],
    "b.jpg": [(PERSON, (0, 0, 50, 50), 0), (PERSON, (100, 0, 90, 90), 1)],
}
BOXES = {
    "in/a.jpg": [
        found("person", 0.9, (10, 10, 50, 50)),
        found("person", 0.8, (100, 0, 120, 30)),  # the light, taken for a person
        found("traffic light", 0.1, (100, 0, 120, 30)),  # right, and below the threshold of 0.25
    ],
    "in/b.jpg": [
        found("person", 0.7, (150, 60, 199, 99)),  # mostly over the crowd, and nothing else
        found("person", 0.6, (110, 10, 150, 60)),  # within the crowd
        found("person", 0.5, (0, 0, 50, 49)),
    ],
}


def test_counts_at_the_threshold(tmp_path: Path) -> None:
    measured = evaluated(out_folder(tmp_path / "out", BOXES), truth_file(tmp_path / "t.json", OBJECTS))
    assert (measured.images, measured.objects, measured.min_score) == (2, 3, 0.25)
    person, light = measured.classes["Person"], measured.classes["traffic light"]
    # Of five persons shown two are right, and two over the crowd do not count.
    assert person.recall == 1 and person.precision == pytest.approx(2 / 3)
    assert light.recall == 0 and light.precision is None
    assert measured.confusion == {
        "Person": {"Person": 2},
        "traffic light": {"Person": 1},
    }


def test_ap_is_that_of_pycocotools_on_the_files(tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = truth_file(tmp_path / "t.json", OBJECTS)
    measured = evaluated(out_folder(tmp_path / "out", BOXES), truth)
    ids = {"in/a.jpg": 7, "in/b.jpg": 8}
    boxes = [
        {
            "image_id": ids[name],
            "category_id": {"person": PERSON, "traffic light": LIGHT}[one.label.name],
            "bbox": [one.box.left, one.box.top, one.box.right - one.box.left, one.box.bottom - one.box.top],
            "score": one.label.score,
        }
        for name, found_ in BOXES.items()
        for one in found_
    ]
    known = COCO(str(truth))
    run = COCOeval(known, known.loadRes(boxes), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    assert measured.ap == pytest.approx(float(run.stats[0]), abs=1e-6)
    assert measured.ap50 == pytest.approx(float(run.stats[1]), abs=1e-6)
    assert measured.classes["traffic light"].ap50 == pytest.approx(1)


def test_an_image_that_was_not_run_and_a_class_that_is_unknown_are_named(tmp_path: Path) -> None:
    objects = {**OBJECTS, "c.jpg": [(PERSON, (0, 0, 5, 5), 0)], "a.jpg": [(DRAGON, (0, 0, 9, 9), 0)]}
    measured = evaluated(out_folder(tmp_path / "out", BOXES), truth_file(tmp_path / "t.json", objects))
    assert measured.missing == ("c.jpg",) and measured.unknown == ("dragon",)
    assert measured.classes["dragon"].ap50 == 0 and measured.objects == 2


def test_a_frame_of_a_video_is_an_image(tmp_path: Path) -> None:
    out = tmp_path / "out"
    box = found("person", 0.9, (10, 10, 50, 50))
    frames = [Prediction(detections=(box,) if index == 2 else ()) for index in range(4)]
    ExportFolder(out).add("clips/a.mp4", Kind.VIDEO, frames, 0.1)
    one = [(PERSON, (10, 10, 40, 40), 0)]
    truth = truth_file(tmp_path / "t.json", {"a.mp4/000002.jpg": one, "clips/a.mp4/000003.jpg": one})
    measured = evaluated(out, truth)
    assert (measured.images, measured.objects, measured.recall, measured.precision) == (2, 2, 0.5, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no COCO ground truth"),
        ("[1, 2]", "no COCO ground truth"),
        ('{"images": [], "categories": []}', "annotations"),
        (
            '{"images": [], "categories": [], '
            '"annotations": [{"image_id": 4, "category_id": 1, "bbox": [0, 0, 1, 1]}]}',
            "annotations of image 4",
        ),
    ],
)
def test_what_is_no_truth_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_truth(tmp_path / "t.json")


def test_names_that_may_be_two_sources_are_refused(tmp_path: Path) -> None:
    out = out_folder(tmp_path / "out", {"x/a.jpg": [], "y/a.jpg": []})
    truth = truth_file(tmp_path / "t.json", {"a.jpg": []})
    with open_results(out) as results, pytest.raises(UsageError, match=r"may be x/a\.jpg or y/a\.jpg"):
        match_sources(read_truth(truth), results.sources(), truth)


def test_the_command(mediaml, tmp_path):  # type: ignore[no-untyped-def]
    out_folder(tmp_path / "out", BOXES)
    truth_file(tmp_path / "t.json", OBJECTS)
    shown = mediaml("evaluate", "out", "--truth", "t.json")
    assert shown.code == 0, shown.err
    assert "yolo: AP50" in shown.out and "precision 0.667, recall 0.667" in shown.out
    (record,) = json.loads(mediaml("evaluate", "out", "--truth", "t.json", "--conf", "0.05", "--json").out)
    assert record["classes"]["traffic light"]["recall"] == 1 and len(record["curve"]) == 101
    none = mediaml("evaluate", "out", "--truth", "missing.json")
    assert none.code == 2 and "missing.json" in none.err
