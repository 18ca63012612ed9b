"""Another threshold rewrites results and annotated copies from the ledger, without a model."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import av
import pytest

from mediaml.engine.local.supervisor import Supervisor
from mediaml.registry.entry_points import load_registry
from tests.support.command_line import results
from tests.support.media.files import write_square_video

HERE = Path(__file__).parent


@pytest.fixture
def answered(mediaml, square_finder, tmp_path):
    """A clip that has been answered, and the command that did it."""
    write_square_video(tmp_path / "clip.mp4", frames=20)
    command = ("run", "-p", "yolo", "-m", square_finder, "clip.mp4", "-o", "out")
    assert mediaml(*command).code == 0
    return command


def boxes(folder: Path) -> list[int]:
    return [len(line["detections"]) for line in results(folder)[1:]]


def drawn(path: Path) -> float:
    """Mean of a copy's first image: what is drawn on it changes that."""
    with av.open(str(path)) as container:
        return float(next(container.decode(video=0)).to_ndarray(format="rgb24").mean())


def test_a_higher_threshold_takes_no_model(mediaml, answered, tmp_path, monkeypatch):
    before = boxes(tmp_path / "out")
    assert set(before) == {1}
    copy = tmp_path / "out" / "clip.annotated.mp4"
    with_box = drawn(copy)

    def asked(*_):
        raise AssertionError("a worker was asked for something")

    monkeypatch.setattr(Supervisor, "_setup_of", asked)
    monkeypatch.setattr(Supervisor, "ready", asked)
    said = mediaml(*answered, "-O", "conf=1")
    assert said.code == 0
    assert set(boxes(tmp_path / "out")) == {0}
    assert results(tmp_path / "out")[0]["run"]["models"][0]["view"]["min_score"] == 1
    assert drawn(copy) != pytest.approx(with_box, abs=0.05)
    mediaml(*answered)
    assert boxes(tmp_path / "out") == before
    assert drawn(copy) == pytest.approx(with_box, abs=0.05)


def test_classes_are_a_view_too_and_an_unknown_one_is_refused(mediaml, answered, tmp_path):
    assert mediaml(*answered, "-O", "classes=SQUARE").code == 0
    assert set(boxes(tmp_path / "out")) == {1}
    assert results(tmp_path / "out")[0]["run"]["models"][0]["view"]["classes"] == ["square"]
    said = mediaml(*answered, "-O", "classes=sqare")
    assert said.code == 2
    assert "no class 'sqare'" in said.err
    assert set(boxes(tmp_path / "out")) == {1}


def test_less_than_the_floor_is_another_identity_that_covers_the_first(mediaml, answered, tmp_path):
    assert "20 frames" in mediaml(*answered, "-O", "conf=0.01").err
    assert "0 frames" in mediaml(*answered, "-O", "conf=0.02").err
    options = results(tmp_path / "out")[0]["run"]["models"][0]["options"]
    assert options["conf"] == 0.01
    shown = mediaml("status", "out").out
    assert "conf=0.01" in shown
    assert "conf=0.05 (earlier)" in shown


def test_a_model_that_is_not_asked_for_keeps_its_last_view(mediaml, answered, tmp_path):
    mediaml(*answered, "-O", "conf=1")
    mediaml("run", "-p", "digits", "clip.mp4", "-o", "out")
    header, *lines = results(tmp_path / "out")
    assert {model["name"]: model["view"].get("min_score") for model in header["run"]["models"]} == {
        "yolo": 1,
        "digits": 0.5,
    }
    assert {line["model"] for line in lines} == {"yolo", "digits"}
    assert not any(line["detections"] for line in lines)


def test_a_ledger_of_0_1_0_serves_a_higher_threshold_without_a_model(mediaml, tmp_path):
    """Its identity, run with conf 0.25, covers 0.9998; its clip is the same file as far as it knows."""
    old = HERE.parent / "ledger"
    out = tmp_path / "out"
    out.mkdir()
    shutil.copyfile(old / "ledger-0.1.0.sqlite", out / "ledger.sqlite")
    clip = tmp_path / "clip.mp4"
    write_square_video(clip, frames=2)
    status = clip.stat()
    with sqlite3.connect(out / "ledger.sqlite") as db:
        db.execute(
            "UPDATE source SET path = ?, shown = 'clip.mp4', size = ?, mtime_ns = ? "
            "WHERE shown = 'in/clip.mp4'",
            (str(clip).encode(), status.st_size, status.st_mtime_ns),
        )
        # As if the plugin had not changed since: what a newer version finds is another matter.
        version = load_registry().find("yolo").plugin.version
        (options,) = db.execute("SELECT options FROM model WHERE name = 'yolo'").fetchone()
        now = json.dumps(
            {**json.loads(options), "iou": 0.0, "family": "auto"}, sort_keys=True, separators=(",", ":")
        )
        db.execute("UPDATE model SET version = ?, options = ? WHERE name = 'yolo'", (version, now))
    before = [json.loads(line) for line in (old / "results-0.1.0.jsonl").read_text("utf-8").splitlines()]
    scores = [
        line["detections"][0]["score"]
        for line in before[1:]
        if line.get("plugin") == "yolo" and line.get("detections") and line["source"] == "in/clip.mp4"
    ]
    said = mediaml("run", "-p", "yolo", "-O", "conf=0.9998", "clip.mp4", "-o", "out", "--no-annotate")
    assert said.code == 0, said.err
    assert "0 frames" in said.err
    lines = [line for line in results(out) if line.get("source") == "clip.mp4" and line["model"] == "yolo"]
    shown = [one["score"] for line in lines for one in line["detections"]]
    assert shown == [score for score in scores if score >= 0.9998]
    assert 0 < len(shown) < len(scores)
