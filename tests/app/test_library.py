"""The library: what a notebook or a script calls."""

from __future__ import annotations

import logging
import subprocess
import sys

import cv2
import numpy as np
import pytest

import mediaml
from mediaml.core.errors import MediaError, OptionError, UsageError
from mediaml.core.media import Kind
from scripts.square_finder import save_square_finder
from tests.support.listener import Listener
from tests.support.media.files import write_sound, write_square_video


@pytest.fixture(scope="module")
def square_finder(tmp_path_factory):
    return save_square_finder(tmp_path_factory.mktemp("models") / "square.onnx")


@pytest.fixture
def clip(tmp_path):
    write_square_video(tmp_path / "clip.mp4", frames=40)
    return tmp_path / "clip.mp4"


def test_a_run_returns_a_report_and_says_the_same_to_its_reporter(clip, tmp_path, square_finder):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno image")
    listener = Listener()
    report = mediaml.run(
        [clip, tmp_path / "broken.png"],
        "yolo",
        tmp_path / "out",
        weights=square_finder,
        device="cpu",
        reporter=listener,
    )
    assert (report.files, report.done, report.failed, report.frames) == (2, 1, 1, 40)
    assert report.exit_code == 1
    assert [row.source.name for row in report.failures] == ["broken.png"]
    assert [path.name for path in report.rendered] == ["clip.annotated.mp4"]
    assert report.devices == {"yolo": ("cpu",)}
    assert listener.reports == [report]
    assert listener.failures == [str(tmp_path / "broken.png")]
    assert listener.shares == sorted(listener.shares)


def test_the_same_call_again_infers_nothing(clip, tmp_path, square_finder):
    for frames in (40, 0):
        report = mediaml.run(clip, ["yolo"], tmp_path / "out", weights={"yolo": square_finder}, device="cpu")
        assert (report.done, report.frames) == (1, frames)
    assert report.up_to_date == 1


def test_options_are_python_values(clip, tmp_path, square_finder):
    options = {"yolo": {"conf": 0.5, "classes": ["square"], "agnostic_nms": True}}
    report = mediaml.run(
        clip, "yolo", tmp_path / "out", weights=square_finder, options=options, annotate=False, device="cpu"
    )
    assert report.done == 1
    with pytest.raises(OptionError, match="conf"):
        mediaml.run(clip, "yolo", tmp_path / "out", weights=square_finder, options={"yolo": {"conf": 2}})


def test_everything_can_run_in_one_process(clip, tmp_path, square_finder, monkeypatch):
    monkeypatch.setattr("mediaml.app.run.started", None)
    monkeypatch.setattr("mediaml.engine.local.start.start", None)
    report = mediaml.run(clip, "yolo", tmp_path / "one", weights=square_finder, device="cpu", jobs=0)
    assert (report.done, report.frames, len(report.rendered)) == (1, 40, 1)
    monkeypatch.undo()
    mediaml.run(clip, "yolo", tmp_path / "many", weights=square_finder, device="cpu")
    name = "results.jsonl"
    lines = [(tmp_path / folder / name).read_text().splitlines()[1:] for folder in ("one", "many")]
    assert lines[0] == lines[1]
    copies = [(tmp_path / folder / "clip.annotated.mp4").read_bytes() for folder in ("one", "many")]
    assert copies[0] == copies[1]


def test_nothing_to_do_raises_and_so_does_nothing_to_do_it_with(tmp_path):
    with pytest.raises(UsageError, match="no model"):
        mediaml.run(tmp_path, [], tmp_path / "out")
    with pytest.raises(mediaml.MediamlError, match="no such file"):
        mediaml.run(tmp_path / "none.mp4", "yolo", tmp_path / "out", device="cpu")


def test_by_default_warnings_are_logged(tmp_path, square_finder, caplog, clip):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno image")
    with caplog.at_level(logging.INFO, logger="mediaml"):
        mediaml.run([tmp_path / "broken.png", clip], "yolo", tmp_path / "out", weights=square_finder)
    assert "broken.png: yolo: " in caplog.text
    assert "1 of 2 files done, 1 failed" in caplog.text


def test_media_can_be_opened_as_what_they_are(clip, tmp_path):
    with mediaml.open_media(clip) as media:
        assert media.info.kind is Kind.VIDEO
        assert sum(1 for _ in media.frames()) == 40
    image = np.full((20, 30, 3), 200, np.uint8)
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    with mediaml.open_media(str(tmp_path / "a.png")) as media:
        (frame,) = media.frames()
        assert frame.image.tolist() == image.tolist()
    write_sound(tmp_path / "a.wav", seconds=2.0)
    with mediaml.open_media(tmp_path / "a.wav", "audio") as media:
        assert next(iter(media.frames())).spectrogram is not None
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(MediaError, match="not an image, video or audio"):
        mediaml.open_media(tmp_path / "a.txt")


def test_importing_the_library_is_light():
    heavy = ("numpy", "cv2", "av", "onnxruntime", "click")
    code = f"import sys, mediaml; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    assert {"run", "open_media", "RunReport"} <= set(dir(mediaml))


def test_the_process_of_a_run_decodes_nothing_and_loads_no_decoder():
    heavy = ("cv2", "av", "PIL", "onnxruntime", "onnx")
    code = "import sys, mediaml.app.session, mediaml.app.library, mediaml.cli.run; "
    code += f"print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_application_knows_no_terminal():
    found = "print('click' in sys.modules, 'tqdm' in sys.modules)"
    code = f"import sys, mediaml.app.session, mediaml.app.library; {found}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
