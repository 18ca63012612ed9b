"""Outputs on full disks, with names that no file system takes; copies that come out the same every time."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mediaml.core.atomic_file import atomic_file
from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Box, Detection, Label
from mediaml.ledger.result_rows import SourceRow
from mediaml.ops.drawing import Overlay
from mediaml.outputs.render.paths import annotated_path
from scripts.reliability.media import write_clip
from tests.support.media.annotated_video import write_annotated_video


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("in/" + "n" * 251 + ".png", Kind.IMAGE),
        ("in/" + "\U0001f600" * 62 + ".mov", Kind.VIDEO),
        ("\\x07" * 250 + "/" + "\\x07" * 250 + ".jpg", Kind.IMAGE),
    ],
)
def test_a_copy_of_a_long_name_can_be_written(tmp_path, name, kind):
    wanted = annotated_path(SourceRow(1, Path("x"), name, name, kind))
    assert wanted is not None
    part = tmp_path / f"{wanted.removesuffix('.png')}~9999.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    assert ".annotated." in wanted


def test_a_copy_of_an_ordinary_name_keeps_it():
    row = SourceRow(1, Path("x"), "a/b.mov", "a/b.mov", Kind.VIDEO)
    assert annotated_path(row) == "a/b.mov.annotated.mp4"


@pytest.mark.parametrize("folder", ["ledger.sqlite", "Results.jsonl", ".segments", ".lock", "vectors-1.npy"])
def test_a_folder_that_is_called_like_a_file_of_ours_gets_another_name(folder):
    row = SourceRow(1, Path("x"), "x", f"{folder}/b.png", Kind.IMAGE)
    assert annotated_path(row) == f"{folder}~/b.annotated.png"


def test_a_full_disk_is_told_and_leaves_no_part(tmp_path):
    target = tmp_path / "results.jsonl"
    target.write_text("before")
    with pytest.raises(OutputError, match="No space left"), atomic_file(target) as file:
        file.write(b"after")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_the_same_copy_is_written_every_time(tmp_path):
    """x264's code for special processors once made one of five copies of this kind differ."""
    clip = write_clip(tmp_path / "clip.mkv", frames=60, noisy=True)
    found = Detection(Label("square", 0.9), Box(8, 16, 40, 48))
    copies = set()
    for number in range(6):
        target = tmp_path / f"{number}.mp4"
        write_annotated_video(clip, target, lambda frame: Overlay((), (found,)))
        copies.add(target.read_bytes())
    assert len(copies) == 1
