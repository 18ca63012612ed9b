"""Annotated videos as `mediaml run` writes them: slice by slice, resumed after a kill, drawn anew on demand.

Kills at any other moment are left to `scripts/torture`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mediaml.outputs.render.annotated_media import AnnotatedMedia
from tests.support.media.files import write_square_video

COPY = "clip.annotated.mp4"


@pytest.fixture
def short_slices(monkeypatch) -> None:
    """Time slices of one second."""
    monkeypatch.setattr("mediaml.app.session.SLICE_S", 1.0)


def left_over(out: Path) -> list[Path]:
    return [*out.rglob("*.part"), *out.glob(".segments*")]


def test_slices_are_drawn_while_later_ones_are_inferred(
    mediaml, square_finder, tmp_path, short_slices, monkeypatch
):
    write_square_video(tmp_path / "clip.mp4", frames=130)
    submit = AnnotatedMedia.finish

    def late(copies, source, target):
        until = time.monotonic() + 60
        while not list((tmp_path / "out" / ".segments").rglob("000000.json")):
            assert time.monotonic() < until, "no slice is drawn before the whole copy is asked for"
            time.sleep(0.01)
        submit(copies, source, target)

    monkeypatch.setattr(AnnotatedMedia, "finish", late)
    said = mediaml("run", "-p", "yolo", "-m", square_finder, "clip.mp4", "-o", "out", "--device", "cpu")
    assert said.code == 0, said.err
    assert "1 annotated" in said.err
    assert not left_over(tmp_path / "out")
    with_slices = (tmp_path / "out" / COPY).read_bytes()
    monkeypatch.setattr(AnnotatedMedia, "finish", submit)
    monkeypatch.setattr(AnnotatedMedia, "advance", lambda *_: None)
    mediaml("run", "-p", "yolo", "-m", square_finder, "clip.mp4", "-o", "out2", "--device", "cpu")
    assert (tmp_path / "out2" / COPY).read_bytes() == with_slices


def test_a_copy_that_was_deleted_or_forced_is_drawn_anew(mediaml, square_finder, tmp_path, short_slices):
    write_square_video(tmp_path / "clip.mp4", frames=60)
    command = ("run", "-p", "yolo", "-m", square_finder, "clip.mp4", "-o", "out", "--device", "cpu")
    mediaml(*command)
    copy = tmp_path / "out" / COPY
    before = copy.read_bytes()
    copy.unlink()
    said = mediaml(*command)
    assert said.code == 0 and "1 annotated" in said.err and "0 frames" in said.err
    assert copy.read_bytes() == before
    written = copy.stat().st_mtime_ns
    assert "annotated" not in mediaml(*command).err
    assert copy.stat().st_mtime_ns == written
    assert "1 annotated" in mediaml(*command, "--force").err
    assert copy.read_bytes() == before and copy.stat().st_mtime_ns != written
    mediaml(*command, "-O", "yolo.conf=0.99")
    assert copy.read_bytes() != before
    assert not left_over(tmp_path / "out")


def test_a_copy_that_was_cut_or_replaced_is_rendered_again(mediaml, square_finder, tmp_path, short_slices):
    write_square_video(tmp_path / "clip.mp4", frames=60)
    command = ("run", "-p", "yolo", "-m", square_finder, "clip.mp4", "-o", "out", "--device", "cpu")
    mediaml(*command)
    copy = tmp_path / "out" / COPY
    whole = copy.read_bytes()
    for other in (whole[: len(whole) // 2], b"", bytes(len(whole))):
        copy.write_bytes(other)
        said = mediaml(*command)
        assert said.code == 0 and "1 annotated" in said.err and "0 frames" in said.err
        assert copy.read_bytes() == whole
    assert "annotated" not in mediaml(*command).err


def test_a_source_that_fails_leaves_neither_copy_nor_segments(mediaml, square_finder, tmp_path, short_slices):
    source = tmp_path / "clip.mkv"
    write_square_video(source, frames=200)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    said = mediaml("run", "-p", "yolo", "-m", square_finder, source, "-o", "out", "--device", "cpu")
    assert said.code == 1 and "cut off" in said.err
    assert not list((tmp_path / "out").rglob("*.annotated.*"))
    assert not left_over(tmp_path / "out")


def test_a_run_killed_amid_drawing_ends_with_the_bytes_of_an_undisturbed_one(square_finder, tmp_path):
    write_square_video(tmp_path / "clip.mp4", frames=2200)
    command = [sys.executable, "-m", "mediaml", "run", "-p", "yolo", "-m", str(square_finder), "clip.mp4"]
    command += ["--device", "cpu", "-o"]
    subprocess.run([*command, "whole"], cwd=tmp_path, check=True, timeout=120, capture_output=True)
    running = subprocess.Popen(
        [*command, "out"], cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True
    )
    segments = tmp_path / "out" / ".segments" / "1"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (segments / "000001.json").exists():
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "out" / COPY).exists()
    assert (segments / "000001.json").exists()
    done = subprocess.run([*command, "out"], cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / COPY).read_bytes() == (tmp_path / "whole" / COPY).read_bytes()
    assert not left_over(tmp_path / "out")
