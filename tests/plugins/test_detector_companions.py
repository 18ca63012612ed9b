"""Lists and JSON beside a detector belong to its identity: where they change, its results are made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediaml_yolo.beside import files_beside
from tests.support.media.files import write_image
from tests.support.models.stated_graphs import spec, stated_graph

HEAD = [spec("images", "float32", 1, 3, 64, 64)], [spec("output0", "float32", 1, 6, 84)]
QUERIES = (
    [spec("pixel_values", "float32", 1, 3, 64, 64)],
    [spec("logits", "float32", 1, 2, 3), spec("pred_boxes", "float32", 1, 2, 4)],
)


def found(mediaml: Any, model: str) -> tuple[list[str], str]:
    """The labels in the results after a run, and what the run said."""
    said = mediaml("run", "-p", model, "-m", "model.onnx", "photo.png", "--device", "cpu", "--no-annotate")
    assert said.code == 0, said.err
    frames = [json.loads(line) for line in Path("mediaml-out/results.jsonl").read_text().splitlines()[1:]]
    return [one["label"] for frame in frames for one in frame["detections"]], said.err


@pytest.mark.parametrize("model", ["yolo", "detect"])
def test_edited_labels_rename_what_was_found(model: str, tmp_path: Path, mediaml: Any) -> None:
    grid = np.zeros((1, 6, 84))
    grid[0, :, 0] = [32.0, 32.0, 16.0, 16.0, 0.1, 0.75]
    (tmp_path / "model.onnx").write_bytes(stated_graph(*HEAD, [grid]))
    write_image(tmp_path / "photo.png", 64, 64)
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    assert found(mediaml, model)[0] == ["dog"]
    labels, said = found(mediaml, model)
    assert labels == ["dog"] and "up to date" in said
    (tmp_path / "labels.txt").write_text("cat\nwolf\n")
    assert found(mediaml, model)[0] == ["wolf"]
    (tmp_path / "model.names").write_text("cat\nfox\n")
    assert found(mediaml, model)[0] == ["fox"]


def test_an_edited_configuration_is_read_again(tmp_path: Path, mediaml: Any) -> None:
    boxes = np.array([[[0.5, 0.5, 0.5, 0.5], [0.25, 0.25, 0.25, 0.25]]])
    logits = np.array([[[-9.0, 2.0, -9.0], [-9.0, -9.0, 3.0]]])
    (tmp_path / "model.onnx").write_bytes(stated_graph(*QUERIES, [logits, boxes]))
    write_image(tmp_path / "photo.png", 64, 64)
    config = {"model_type": "rt_detr", "id2label": {"0": "cat", "1": "dog", "2": "bird"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert found(mediaml, "detect")[0] == ["bird", "dog"]
    config = {"model_type": "detr", "id2label": {"0": "cat", "1": "dog"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert found(mediaml, "detect")[0] == ["dog"]


def test_only_what_is_read_counts(tmp_path: Path) -> None:
    names = ["config.json", "data.yaml", "labels.txt", "model.names", "preprocessor_config.json"]
    for name in [*names, "other.names", "README.md", "model.toml"]:
        (tmp_path / name).write_text("{}")
    assert [path.name for path in files_beside(tmp_path / "model.onnx")] == names
