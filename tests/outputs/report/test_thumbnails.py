"""Thumbnails: the right frames, the right sounds; a decoder that crashes or hangs costs one source."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mediaml.core.media import Kind
from mediaml.media.annotated_mark import is_annotated_copy
from mediaml.media.write.thumbnail import LONGEST, thumbnail_size, write_strip, write_thumbnails
from mediaml.outputs.report.messages import Made, Thumbnails
from mediaml.outputs.report.thumbnails import make_all
from tests.support.media.annotated_clips import clicks, place_of, square_at, write_clip
from tests.support.media.files import write_image

MAKER = """
import os, signal, sys, time
from mediaml.engine.local.link import Link
from mediaml.engine.local.process_setup import set_up_process
from mediaml.outputs.report.messages import Made, Thumbnails
link = Link(Thumbnails, *set_up_process())
while (order := link.receive()) is not None:
    if order.source == 2:
        {fails}
    link.send(Made(order.source))
"""


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None
    return image[:, :, ::-1]


def test_frames_of_a_video_are_those_of_their_times(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", ticks=range(100))
    numbers = [0, 3, 40, 41, 99]
    wanted = [(number / 25, tmp_path / f"{number}.jpg") for number in numbers]
    write_thumbnails(clip, Kind.VIDEO, wanted)
    for number, (_, path) in zip(numbers, wanted, strict=True):
        left, top, *_ = place_of(read(path))
        assert (left, top) == pytest.approx(square_at(number), abs=2)
        assert is_annotated_copy(path)  # a later run leaves it out


def test_large_frames_become_small_and_small_ones_stay(tmp_path: Path) -> None:
    for width, height in ((1000, 500), (40, 30), (3000, 2)):
        write_image(tmp_path / "in.png", width, height)
        write_thumbnails(tmp_path / "in.png", Kind.IMAGE, [(0.0, tmp_path / "out.jpg")])
        shape = read(tmp_path / "out.jpg").shape
        assert (shape[1], shape[0]) == thumbnail_size(width, height)
    assert thumbnail_size(1000, 500) == (LONGEST, LONGEST // 2)
    assert thumbnail_size(3000, 2) == (LONGEST, 1)


def test_a_spectrogram_shows_when_it_sounds(tmp_path: Path) -> None:
    clip = write_clip(
        tmp_path / "clip.mp4", ticks=range(100), sounds=[("aac", {})], sound=clicks(4.0, (1.0, 3.0))
    )
    write_strip(clip, tmp_path / "strip.png", 4.0)
    picture = read(tmp_path / "strip.png").astype(int).sum(axis=2)
    assert picture.shape == (64, 200)
    loud = np.nonzero(picture.max(axis=0) > 300)[0] / 200 * 4
    assert {round(time_s) for time_s in loud} == {1, 3}
    assert abs(loud - np.round(loud)).max() < 0.1
    rows = picture[:, 50:54].mean(axis=1)
    assert rows[:32].mean() > rows[48:].mean()  # 3 kHz is in the upper half of the mel bands


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A module in place of the one that makes thumbnails, which fails at the second order."""

    def write(fails: str) -> str:
        (tmp_path / "failing_maker.py").write_text(MAKER.format(fails=fails))
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        return "failing_maker"

    return write


ORDERS = [Thumbnails(number, b"", Kind.IMAGE) for number in range(1, 5)]


def test_a_crash_costs_one_source(maker: Callable[[str], str]) -> None:
    module = maker("os.kill(os.getpid(), signal.SIGSEGV)")
    made = {one.source: one.problem for one in make_all(ORDERS, module=module)}
    assert made == {1: "", 2: "the process that read it was ended by SIGSEGV (a crash).", 3: "", 4: ""}


def test_a_hang_costs_one_source(maker: Callable[[str], str]) -> None:
    made = {one.source: one.problem for one in make_all(ORDERS, stall_s=1.5, module=maker("time.sleep(99)"))}
    assert made[2] == "the process that read it made no progress for 1.5 s."
    assert [made[number] for number in (1, 3, 4)] == ["", "", ""]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    target = os.fsencode(tmp_path / "out.jpg")
    order = Thumbnails(7, os.fsencode(tmp_path / "bad.jpg"), Kind.IMAGE, (0.0,), (target,))
    (made,) = make_all([order])
    assert isinstance(made, Made) and "bad.jpg is not an image" in made.problem
    assert not (tmp_path / "out.jpg").exists()
