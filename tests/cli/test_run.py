"""`mediaml run` as a user types it: outputs, order, resume, streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

from mediaml.core.media import Kind
from mediaml.media.reader import open_reader
from tests.support.command_line import results
from tests.support.media.files import square_left, write_sound, write_square_video
from tests.support.plugins.strangers import install_plugin
from tests.support.results_schema import schema


def write_square(path: Path, width: int, height: int, box: tuple[int, int, int, int]) -> None:
    """A black picture with a white rectangle at left, top, right, bottom."""
    image = np.zeros((height, width, 3), np.uint8)
    left, top, right, bottom = box
    image[top:bottom, left:right] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


@pytest.fixture
def media(tmp_path) -> Path:
    """Pictures of one name in two folders, and a clip with a square that moves."""
    folder = tmp_path / "in"
    write_square(folder / "a/x.png", 128, 96, (32, 40, 64, 80))
    write_square(folder / "b/x.png", 96, 128, (16, 16, 48, 48))
    write_square_video(folder / "clip.mp4", frames=40)
    return folder


def test_boxes_are_where_the_square_is_in_displayed_pixels(mediaml, media, square_finder, tmp_path):
    said = mediaml("run", "-p", "yolo", "-m", square_finder, media, "-o", "out")
    assert said.code == 0, said.err
    lines = results(tmp_path / "out")
    for line in lines:
        jsonschema.validate(line, schema())
    boxes = {line["source"]: line["detections"][0]["box"] for line in lines[1:] if line["kind"] == "image"}
    assert boxes[f"{media}/a/x.png"] == pytest.approx([32, 40, 64, 80], abs=1)
    assert boxes[f"{media}/b/x.png"] == pytest.approx([16, 16, 48, 48], abs=1)
    clip = [line for line in lines[1:] if line["kind"] == "video"]
    assert [line["frame"] for line in clip] == list(range(40))
    assert all(len(line["detections"]) == 1 for line in clip)
    lefts = [line["detections"][0]["box"][0] for line in clip]
    assert lefts == sorted(lefts)
    assert lefts[-1] > lefts[0] + 30


def test_outputs_mirror_the_folders_and_leave_no_parts(mediaml, media, square_finder, tmp_path):
    assert mediaml("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out").code == 0
    copies = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.annotated.*")}
    assert copies == {"in/a/x.annotated.png", "in/b/x.annotated.png", "in/clip.annotated.mp4"}
    assert not list((tmp_path / "out").rglob("*.part"))


def test_the_same_command_again_does_nothing_and_says_the_same(mediaml, media, square_finder, tmp_path):
    command = ("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out")
    mediaml(*command)
    before = results(tmp_path / "out")
    copy = tmp_path / "out/in/clip.annotated.mp4"
    written = copy.stat().st_mtime_ns
    said = mediaml(*command)
    assert "3 already up to date" in said.err
    assert results(tmp_path / "out") == before
    assert copy.stat().st_mtime_ns == written
    assert "0 frames" in said.err


def test_another_option_does_it_again(mediaml, media, square_finder, tmp_path):
    command = ("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out")
    mediaml(*command)
    said = mediaml(*command, "-O", "yolo.conf=0.95")
    assert said.code == 0
    lines = results(tmp_path / "out")
    assert [line["detections"] for line in lines[1:]] == [[]] * 42
    assert len(lines[0]["run"]["models"]) == 1


def test_jsonl_streams_the_same_lines(mediaml, media, square_finder, tmp_path):
    command = ("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out", "--device", "cpu")
    said = mediaml(*command, "--jsonl", "-", "-q")
    streamed = [json.loads(line) for line in said.out.splitlines()]
    assert said.err == ""
    key = lambda line: (line["source"], line["frame"])  # noqa: E731
    assert sorted(streamed[1:], key=key) == sorted(results(tmp_path / "out")[1:], key=key)
    assert streamed[0] == results(tmp_path / "out")[0]
    again = mediaml(*command, "--jsonl", "-", "-q")
    assert len(again.out.splitlines()) == len(streamed)


def test_a_list_of_files_and_filters(mediaml, media, square_finder, tmp_path):
    (tmp_path / "list.txt").write_text("in/a/x.png\nin/clip.mp4\n")
    said = mediaml(
        "run", "-p", "yolo", "-m", square_finder, "--from-file", "list.txt", "--kind", "image", "-o", "out"
    )
    assert said.code == 0
    assert [line["source"] for line in results(tmp_path / "out")[1:]] == ["in/a/x.png"]
    assert "1 video file skipped" in said.err


def test_no_annotate_writes_no_copies(mediaml, media, square_finder, tmp_path):
    mediaml("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out", "--no-annotate")
    assert not list((tmp_path / "out").rglob("*.annotated.*"))
    said = mediaml("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out", "--annotate")
    assert "3 annotated" in said.err


def test_sound_that_no_chosen_plugin_hears_is_told(mediaml, media, square_finder, tmp_path):
    write_sound(media / "tone.wav", seconds=1.0)
    said = mediaml("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out")
    assert said.code == 0
    assert "1 audio file skipped" in said.err
    said = mediaml("run", "-p", "yolo", "-m", square_finder, "in/tone.wav", "-o", "out2")
    assert said.code == 1
    assert "none of the selected models accepts audio" in said.err


GATE = """
    import time
    from pathlib import Path
    from mediaml.plugin import Label, ModelSpec, hookimpl

    class Gate:
        def predict(self, frames):
            while frames[-1].index >= 1500 and not Path("open").exists():
                time.sleep(0.01)
            return [Label("through", 1.0) for _ in frames]

    @hookimpl
    def mediaml_models():
        yield ModelSpec("gate", task="classify", load=lambda context: Gate())
"""


@pytest.fixture
def gated(tmp_path, square_finder, monkeypatch) -> list[str]:
    """A run over `long.mp4` that cannot come to its end, however fast, before there is a file `open`."""
    paths = [str(install_plugin(tmp_path / "site", "gate", GATE)), *sys.path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    command = [sys.executable, "-m", "mediaml", "run", "-p", "yolo", "-p", "gate"]
    return [*command, "-m", f"yolo={square_finder}", "long.mp4", "-o", "out"]


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(tmp_path, gated):
    write_square_video(tmp_path / "long.mp4", frames=3000)
    command = [*gated, "--no-annotate"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not _slices(tmp_path / "out"):
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    kept = results(tmp_path / "out")[1:]
    for plugin in ("yolo", "gate"):
        frames = [line["frame"] for line in kept if line["model"] == plugin]
        assert frames == list(range(len(frames)))
    assert 0 < len(kept) < 2 * 3000
    (tmp_path / "open").touch()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    for plugin in ("yolo", "gate"):
        frames = [line["frame"] for line in results(tmp_path / "out")[1:] if line["model"] == plugin]
        assert frames == list(range(3000))
    assert f"{2 * 3000 - len(kept)} frames" in done.stderr


def test_ctrl_c_while_a_copy_is_drawn_does_not_wait_for_it(tmp_path, gated):
    write_square_video(tmp_path / "long.mp4", frames=3000, width=640, height=480)
    running = subprocess.Popen(gated, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    copy = tmp_path / "out" / "long.annotated.mp4"
    first = tmp_path / "out" / ".segments" / "1" / "000000.json"
    deadline = time.monotonic() + 200
    while not first.exists():
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert not copy.exists()
    assert not list((tmp_path / "out").rglob("*.part"))
    drawn = first.stat().st_mtime_ns
    (tmp_path / "open").touch()
    again = subprocess.run(gated, cwd=tmp_path, capture_output=True, timeout=200, check=False)
    assert again.returncode == 0, again.stderr
    assert copy.exists() and not first.parent.parent.exists()
    assert drawn < copy.stat().st_mtime_ns


def _slices(out: Path) -> int:
    import sqlite3

    try:
        with sqlite3.connect(f"file:{out / 'ledger.sqlite'}?mode=ro", uri=True) as db:
            return int(db.execute("SELECT count(*) FROM task").fetchone()[0])
    except sqlite3.Error:
        return 0


def test_a_model_that_answers_with_pictures_shows_them(mediaml, tmp_path, monkeypatch):
    source = """
        from mediaml.plugin import ModelSpec, Picture, hookimpl
        class Negative:
            def predict(self, frames):
                return [Picture(255 - frame.image) for frame in frames]
        @hookimpl
        def mediaml_models():
            yield ModelSpec('negative', task='transform', load=lambda context: Negative())
    """
    monkeypatch.syspath_prepend(install_plugin(tmp_path / "site", "negative", source))
    write_square(tmp_path / "x.png", 64, 48, (16, 16, 32, 32))
    write_square_video(tmp_path / "clip.mp4", frames=5)
    said = mediaml("run", "-p", "negative", "x.png", "clip.mp4", "-o", "out", "--device", "cpu")
    assert said.code == 0, said.err
    negative = cv2.imread(str(tmp_path / "out/x.annotated.png"))
    assert negative[20, 20].tolist() == [0, 0, 0]
    assert negative[2, 2].tolist() == [255, 255, 255]
    with open_reader(tmp_path / "out/clip.annotated.mp4", Kind.VIDEO) as reader:
        images = [frame.image for frame in reader.frames()]
    assert len(images) == 5
    assert images[0][40, square_left(0) + 10].max() < 40
    assert images[0][80, 100].min() > 215


def would(said) -> list[tuple[str, str]]:
    """Action and reason of every row of a dry run."""
    rows = [line.split("  ") for line in said.out.splitlines()[1:] if line.startswith("in/")]
    return [tuple(part.strip() for part in row if part.strip())[2:] for row in rows]


def test_a_dry_run_says_what_would_be_done_and_why(mediaml, media, square_finder, tmp_path):
    command = ("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out")
    assert would(mediaml(*command, "--dry-run")) == [("do", "new")] * 3
    assert not (tmp_path / "out").exists()
    mediaml(*command)
    said = mediaml(*command, "--dry-run")
    assert would(said) == [
        ("leave", "done, 40 frames"),
        ("leave", "done, 1 frame"),
        ("leave", "done, 1 frame"),
    ]
    assert "square.onnx" in said.out
    changed = mediaml(*command, "-O", "yolo.conf=0.5", "--dry-run")
    assert [action for action, _ in would(changed)] == ["leave"] * 3
    assert all(why.endswith("only outputs change") for _, why in would(changed))
    lower = mediaml(*command, "-O", "yolo.conf=0.01", "--dry-run")
    assert would(lower) == [("do", "option conf 0.05 is now 0.01 (earlier results stay)")] * 3
    larger = mediaml(*command, "-O", "yolo.iou=0.5", "--dry-run")
    assert would(larger) == [("do", "option iou 0.0 is now 0.5 (earlier results stay)")] * 3
    write_square(media / "a/x.png", 128, 96, (0, 0, 32, 32))
    assert ("redo", "the file has changed") in would(mediaml(*command, "--dry-run"))
    assert would(mediaml(*command, "--dry-run", "--force")).count(("redo", "--force")) == 2
