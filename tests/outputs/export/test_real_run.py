"""A run over real media, then every export in the hands of the tool that it is for; no model runs again."""

from __future__ import annotations

import csv
import json
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pytest
import srt
import webvtt
import yaml
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import mediaml as library
from mediaml.core.media import Kind


@pytest.fixture(scope="module")
def out(assets, tmp_path_factory):
    """Objects in photos and a clip, and spoken commands in its audio, found by the models that ship."""
    folder = tmp_path_factory.mktemp("real") / "out"
    media = assets / "media"
    inputs = [*(media / "image").glob("*.jpg"), media / "video" / "video_90.mov"]
    written = ["csv", "coco", "jsonl"]
    report = library.run(
        inputs,
        ["yolo"],
        folder,
        device="cpu",
        annotate=False,
        outputs=written,
        options={"yolo": {"imgsz": 320}},
    )
    assert report.exit_code == 0
    sound = media / "audio" / "nasa_13013.mp4.audio.mp3"
    assert library.run(sound, ["spoken"], folder, device="cpu").exit_code == 0
    return folder


@pytest.fixture(scope="module")
def detections(out):
    with library.open_results(out) as results:
        return [
            (frame.source, frame.frame, one.label.name)
            for frame in results.frames("yolo")
            for one in frame.prediction.detections
        ]


def test_the_run_wrote_what_it_was_asked_for(out, detections):
    with (out / "export.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["type"] == "detection"]
    assert sorted((row["source"], int(row["frame"]), row["label"]) for row in rows) == sorted(detections)
    assert {"dog", "horse", "person"} <= {row["label"] for row in rows}
    assert (out / "coco" / "instances.json").exists()
    assert not (out / "export.jsonl").exists()  # results.jsonl is written by every run


def test_coco_evaluates(out, detections, tmp_path):
    folder = library.export(out, "coco", tmp_path / "coco")
    truth = COCO(str(folder / "instances.json"))
    evaluation = COCOeval(truth, truth.loadRes(str(folder / "results.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)
    assert len(truth.anns) == len(detections)


def test_parquet_has_a_row_per_label_and_detection(out, detections, tmp_path):
    table = pq.read_table(library.export(out, "parquet", tmp_path / "x.parquet"))
    kinds = table.column("type").to_pylist()
    assert kinds.count("detection") == len(detections)
    assert kinds.count("label") > 0
    boxes = table.filter([kind == "detection" for kind in kinds])
    assert boxes.column("width").null_count == boxes.column("class_id").null_count == 0


def test_data_sets_have_every_image_and_box(out, detections, tmp_path):
    with library.open_results(out) as results:
        images = sum(1 for _ in results.frames("yolo"))
    yolo = library.export(out, "yolo", tmp_path / "yolo", media="link")
    lines = [line for path in (yolo / "labels").rglob("*.txt") for line in path.read_text().splitlines()]
    assert len(list((yolo / "labels").rglob("*.txt"))) == images
    assert len(lines) == len(detections)
    assert len(yaml.safe_load((yolo / "data.yaml").read_text())["names"]) == 80
    assert all(path.resolve().is_file() for path in (yolo / "images").iterdir())

    voc = library.export(out, "voc", tmp_path / "voc")
    assert sum(len(ET.parse(path).findall("object")) for path in voc.rglob("*.xml")) == len(detections)

    cvat = library.export(out, "cvat", tmp_path / "cvat")
    shown = [box for path in cvat.rglob("*.xml") for box in ET.parse(path).iter("box")]
    assert sum(box.get("outside", "0") == "0" for box in shown) == len(detections)

    labels = json.loads((library.export(out, "fiftyone", tmp_path / "fo") / "labels.json").read_text())[
        "labels"
    ]
    assert sum(map(len, labels.values())) == len(detections)
    assert len(labels) == images


def test_label_tracks_parse(out, tmp_path):
    with library.open_results(out) as results:
        timed = {row.name for row in results.sources() if row.kind in (Kind.VIDEO, Kind.AUDIO)}
    assert len(timed) == 2
    vtt = library.export(out, "vtt", tmp_path / "vtt")
    cues = [cue for path in vtt.rglob("*.vtt") for cue in webvtt.read(str(path))]
    assert cues
    subtitles = [
        one
        for path in library.export(out, "srt", tmp_path / "srt").rglob("*.srt")
        for one in srt.parse(path.read_text(encoding="utf-8"))
    ]
    assert len(subtitles) == len(cues)
    for name, columns in (("audacity", 3), ("raven", 9)):
        folder = library.export(out, name, tmp_path / name)
        lines = [line for path in folder.rglob("*.txt") for line in path.read_text().splitlines()]
        assert {len(line.split("\t")) for line in lines} <= {columns, 7}
        assert len(lines) == len(cues) + (2 if name == "raven" else 0)


def test_another_threshold_starts_no_model(out, tmp_path, monkeypatch):
    from mediaml.onnx import session

    def refuse(*_, **__):
        raise AssertionError("a session was opened")

    monkeypatch.setattr(session.Session, "__init__", refuse)
    few = library.export(out, "csv", tmp_path / "few.csv", min_score=0.8).read_text().count("\n")
    many = library.export(out, "csv", tmp_path / "many.csv", everything=True).read_text().count("\n")
    assert 1 < few < many
