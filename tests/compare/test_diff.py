"""Two sets of results: what both found, what one did, and which frames differ most."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mediaml.compare.diff import FolderDiff, diff_results
from mediaml.compare.frames import paired_frames
from mediaml.compare.sides import choose_sides
from mediaml.core.errors import OutputError, UsageError
from mediaml.core.media import Kind
from mediaml.core.prediction import Detection, Embedding, Label, Prediction
from mediaml.core.work import FrameResult
from mediaml.ledger.results import open_results
from mediaml.ledger.selection import ResultSelection
from tests.support.export_folder import ExportFolder, found

CAR = found("person", 0.9, (10, 10, 50, 50))
MOVED = found("person", 0.7, (12, 10, 52, 50))
LIGHT = found("traffic light", 0.8, (100, 0, 120, 30))


def folder(path: Path, *frames: Sequence[Detection], name: str = "a.mp4") -> Path:
    said = [Prediction(detections=tuple(one)) for one in frames]
    ExportFolder(path).add(name, Kind.VIDEO, said, 0.1)
    return path


def compared(left: Path, right: Path, **more: float) -> FolderDiff:
    with open_results(left) as ours, open_results(right) as theirs:
        sides = choose_sides(ours, theirs, (), ResultSelection())
        return diff_results(sides, **more)  # type: ignore[arg-type]


def test_a_folder_does_not_differ_from_itself(tmp_path: Path) -> None:
    one = folder(tmp_path / "a", [CAR, LIGHT], [CAR], [])
    (model,) = compared(one, one).models
    assert (model.frames, model.same_frames, model.most_different) == (3, 3, [])
    assert model.classes["person"].matched == 2 and model.classes["person"].iou == 1


def test_counts_by_class_and_the_frame_that_differs_most(tmp_path: Path) -> None:
    left = folder(tmp_path / "a", [CAR, LIGHT], [CAR], [])
    right = folder(tmp_path / "b", [MOVED], [CAR], [LIGHT, CAR])
    (model,) = compared(left, right).models
    person, light = model.classes["person"], model.classes["traffic light"]
    assert (person.left, person.right, person.matched, person.only_right) == (2, 3, 2, 1)
    # 38 x 40 pixels of 42 x 40 are shared by the moved box, all of the other.
    assert person.iou == pytest.approx((38 / 42 + 1) / 2, abs=1e-5)
    assert person.score_difference == pytest.approx(-0.1, abs=1e-4)
    assert (light.left, light.right, light.matched) == (1, 1, 0)
    assert [frame.frame for frame in model.most_different] == [2, 0]
    assert model.same_frames == 1
    assert sorted(one[1:] for one in model.scores) == [
        pytest.approx((0.9, 0.7), abs=2e-5),
        pytest.approx((0.9, 0.9), abs=2e-5),
    ]


def test_a_stricter_overlap_leaves_moved_boxes_alone(tmp_path: Path) -> None:
    left, right = folder(tmp_path / "a", [CAR]), folder(tmp_path / "b", [MOVED])
    (model,) = compared(left, right, min_iou=0.95).models
    assert (model.classes["person"].only_left, model.classes["person"].only_right) == (1, 1)


def test_only_the_worst_frames_are_named_the_first_of_equals(tmp_path: Path) -> None:
    left = folder(tmp_path / "a", *[[CAR]] * 30)
    right = folder(tmp_path / "b", *[[]] * 30)
    (model,) = compared(left, right, top=3).models
    assert [frame.frame for frame in model.most_different] == [0, 1, 2]


def test_labels_and_embeddings(tmp_path: Path) -> None:
    def said(first: str, other: str, angle: float) -> list[Prediction]:
        vector = np.asarray([np.cos(angle), np.sin(angle)], np.float32)
        return [Prediction((Label(first, 0.6), Label(other, 0.4)), (), Embedding(vector))]

    for name, prediction in {"a": said("cat", "dog", 0), "b": said("dog", "cat", np.pi / 3)}.items():
        ExportFolder(tmp_path / name).add("x.jpg", Kind.IMAGE, prediction)
    (model,) = compared(tmp_path / "a", tmp_path / "b").models
    assert (model.labelled, model.top_label_agrees) == (1, 0)
    assert model.cosine is not None and model.cosine[0] == pytest.approx(0.5, abs=1e-3)
    assert model.classes["cat"].matched == 1
    assert model.classes["cat"].score_difference == pytest.approx(-0.2, abs=2e-5)


def test_frames_are_matched_by_time_so_sampled_runs_compare() -> None:
    def frames(*times: float) -> list[FrameResult]:
        return [FrameResult("a", "m", place, time, 0.1, Prediction()) for place, time in enumerate(times)]

    pairs = paired_frames(iter(frames(0, 0.1, 0.2, 0.3)), iter(frames(0, 0.2001, 0.4)))
    times = [tuple(one and one.time_s for one in pair) for pair in pairs]
    assert times == [(0, 0), (0.1, None), (0.2, 0.2001), (0.3, None), (None, 0.4)]


def test_sources_that_one_folder_lacks_are_named(tmp_path: Path) -> None:
    left = folder(tmp_path / "a", [CAR])
    folder(tmp_path / "a", [CAR], name="only.mp4")
    found_ = compared(left, folder(tmp_path / "b", [CAR]))
    assert found_.sources.only_left == ("only.mp4",) and not found_.sources.only_right


def test_folders_without_a_common_source(tmp_path: Path) -> None:
    left, right = folder(tmp_path / "a", [CAR]), folder(tmp_path / "b", [CAR], name="z.mp4")
    with pytest.raises(OutputError, match="no source in common"):
        compared(left, right)


def test_one_folder_needs_two_models(tmp_path: Path) -> None:
    left = folder(tmp_path / "a", [CAR])
    with open_results(left) as results:
        with pytest.raises(UsageError, match="compared with itself"):
            choose_sides(results, None, ("yolo",), ResultSelection())
        with pytest.raises(OutputError, match="one identity"):
            choose_sides(results, None, ("yolo", "yolo"), ResultSelection())


def test_the_command_prints_tables_and_json(mediaml, tmp_path):  # type: ignore[no-untyped-def]
    folder(tmp_path / "a", [CAR, LIGHT], [CAR])
    folder(tmp_path / "b", [MOVED], [CAR])
    shown = mediaml("diff", "a", "b")
    assert shown.code == 0, shown.err
    assert "2 frames in both, 1 without a difference" in shown.out
    assert "traffic light" in shown.out
    record = json.loads(mediaml("diff", "a", "b", "--json", "--classes", "person").out)
    (model,) = record["models"]
    assert list(model["classes"]) == ["person"] and model["classes"]["person"]["matched"] == 2
    assert model["most_different"][0]["left"]["detections"][0]["label"]["name"] == "person"


def test_an_unknown_model_is_suggested(mediaml, tmp_path):  # type: ignore[no-untyped-def]
    folder(tmp_path / "a", [CAR])
    failed = mediaml("diff", "a", "a", "--model", "yolp")
    assert failed.code == 2 and "yolo" in failed.err
