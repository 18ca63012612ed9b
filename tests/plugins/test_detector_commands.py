"""Every family through the command line: a photo and a video, to results in pixels of the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediaml_yolo.families import FAMILIES
from scripts.golden.record import GOLDEN
from tests.support.media.files import write_image, write_video
from tests.support.models.stated_graphs import spec, stated_graph

WIDTH, HEIGHT, FRAMES = 192, 128, 3
CASES = {
    json.loads(path.read_text("utf-8"))["case"]["family"]: path for path in sorted(GOLDEN.glob("*.json"))
}


def save_stand_in(path: Path, folder: Path) -> dict[str, Any]:
    """The graph of a golden case, and the files beside it; the case."""
    golden: dict[str, Any] = json.loads(path.read_text("utf-8"))
    with np.load(path.with_suffix(".npz")) as arrays:
        outputs = [arrays[f"output{index}"] for index in range(len(golden["outputs"]))]
    graph = stated_graph(golden["inputs"], golden["outputs"], outputs, golden["metadata"])
    (folder / "model.onnx").write_bytes(graph)
    for name, text in golden["beside"].items():
        (folder / name).write_text(text, encoding="utf-8")
    return golden


def frames_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "mediaml-out" / "results.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines[1:]]


def boxes_within(frame: dict[str, Any]) -> bool:
    boxes = np.array([found["box"] for found in frame["detections"]]).reshape(-1, 4)
    inside = (boxes >= 0).all() and (boxes <= np.array([WIDTH, HEIGHT] * 2)).all()
    return bool(inside and (boxes[:, 2:] >= boxes[:, :2]).all())


@pytest.mark.parametrize("family", sorted(CASES))
def test_a_family_runs_on_a_photo_and_a_video(family: Any, tmp_path: Path, mediaml: Any) -> None:
    golden = save_stand_in(CASES[family], tmp_path)
    write_image(tmp_path / "photo.png", WIDTH, HEIGHT)
    write_video(tmp_path / "clip.mp4", frames=FRAMES, width=WIDTH, height=HEIGHT)
    model = "yolo" if FAMILIES[family].is_yolo else "detect"
    options = {"conf": golden["case"]["conf"], **golden["case"]["options"]}
    chosen = [part for name, value in options.items() for part in ("-O", f"{model}.{name}={value}")]
    inputs = ["photo.png", "clip.mp4", "--device", "cpu", "--jobs", "0", "--no-annotate"]
    said = mediaml("run", "-p", model, "-m", "model.onnx", *inputs, *chosen)
    assert said.code == 0, said.err
    frames = frames_of(tmp_path)
    assert sorted(Path(frame["source"]).name for frame in frames) == ["clip.mp4"] * FRAMES + ["photo.png"]
    known = {found["label"] for found in golden["case"]["found"]}
    for frame in frames:
        found = frame["detections"] or frame["labels"]
        assert found and {one["label"] for one in found} <= known
        assert boxes_within(frame)


def planted(family: str) -> bytes:
    """Graphs of makers whose answers are not recorded: one object over the lower left quarter."""
    quarter = (
        np.array([[[0.5, 0.0, 1.0, 0.5]]]) if family == "tensorflow" else np.array([[[0.0, 0.5, 0.5, 1.0]]])
    )
    scores, label = np.array([[0.9]]), np.array([[1]])
    if family == "tensorflow":
        outputs = [
            spec("detection_boxes", "float32", 1, None, 4),
            spec("detection_classes", "float32", 1, None),
            spec("detection_scores", "float32", 1, None),
        ]
        return stated_graph(
            [spec("input_tensor", "uint8", 1, None, None, 3)], outputs, [quarter, label, scores]
        )
    outputs = [
        spec("bboxes", "float32", 1, None, 4),
        spec("labels", "int64", 1, None),
        spec("scores", "float32", 1, None),
    ]
    return stated_graph([spec("image", "float32", 1, 3, 64, 64)], outputs, [quarter, label, scores])


@pytest.mark.parametrize("family", ["ssd", "tensorflow"])
def test_chosen_boxes_as_shares_run_too(family: str, tmp_path: Path, mediaml: Any) -> None:
    (tmp_path / "model.onnx").write_bytes(planted(family))
    (tmp_path / "labels.txt").write_text("cat\ndog\n", encoding="utf-8")
    write_image(tmp_path / "photo.png", WIDTH, HEIGHT)
    write_video(tmp_path / "clip.mp4", frames=FRAMES, width=WIDTH, height=HEIGHT)
    inputs = ["photo.png", "clip.mp4", "--device", "cpu", "--jobs", "0", "--no-annotate"]
    said = mediaml("run", "-p", "detect", "-m", "model.onnx", *inputs)
    assert said.code == 0, said.err
    frames = frames_of(tmp_path)
    assert len(frames) == FRAMES + 1
    for frame in frames:
        [found] = frame["detections"]
        assert (found["label"], found["box"]) == ("cat", [0.0, HEIGHT / 2, WIDTH / 2, HEIGHT])
