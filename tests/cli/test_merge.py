"""`mediaml run --shard` and `mediaml merge`: parts of a scan give what one run gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.command_line import results
from tests.support.media.files import write_image, write_square_video

PARTS = 3


@pytest.fixture
def photos(tmp_path) -> Path:
    """Ten images, two clips and a damaged file, in two folders."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for number in range(10):
        write_image(folder / f"inner/{number}.jpg", 40, 40)
    write_square_video(folder / "clip2.mp4", frames=8)
    write_square_video(folder / "clip10.mp4", frames=5)
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    return folder


@pytest.fixture
def run(mediaml, square_finder):
    """Run the square finder on what is named, without copies."""
    return lambda *arguments: mediaml(
        *("run", "-p", "yolo", "-m", square_finder, "--device", "cpu", "--no-annotate", *arguments)
    )


def test_merged_shards_are_what_one_run_writes(mediaml, run, photos, tmp_path):
    files = set()
    for number in range(1, PARTS + 1):
        done = run("photos", "--shard", f"{number}/{PARTS}", "-o", f"part{number}")
        assert done.code in (0, 1)
        assert f"shard {number}/{PARTS}: " in done.err
        files |= {line["source"] for line in results(tmp_path / f"part{number}")[1:]}
    assert run("photos", "-o", "whole").code == 1
    merged = mediaml("merge", *(f"part{number}" for number in range(1, PARTS + 1)), "-o", "all")
    assert merged.code == 0, merged.err
    assert f"{PARTS} folders merged: 13 files, 0 conflicts" in merged.err
    assert results(tmp_path / "all")[1:] == results(tmp_path / "whole")[1:]
    assert len(files) == 13
    same = "failures.jsonl"
    assert (tmp_path / "all" / same).read_bytes() == (tmp_path / "whole" / same).read_bytes()
    again = run("photos", "-o", "all")
    assert "12 already up to date, 0 frames" in again.err


def test_a_shard_without_files_is_no_failure(run, photos, tmp_path):
    done = run("photos/clip2.mp4", "photos/clip10.mp4", "--shard", "1/1000", "-o", "part")
    assert done.code == 0, done.err
    assert "shard 1/1000: 0 of 2 files" in done.err
    assert len(results(tmp_path / "part")) == 1
    nothing = run("missing", "--shard", "1/2", "-o", "none")
    assert nothing.code == 5


def test_conflicts_are_named_and_end_with_1(mediaml, run, photos, tmp_path):
    assert run("photos/clip2.mp4", "-o", "before").code == 0
    shutil.copy(photos / "clip10.mp4", photos / "clip2.mp4")
    assert run("photos/clip2.mp4", "-o", "after").code == 0
    merged = mediaml("merge", "before", "after", "-o", "all")
    assert merged.code == 1
    assert "photos/clip2.mp4: the file changed between the runs" in merged.err
    assert results(tmp_path / "all")[1:] == results(tmp_path / "after")[1:]


def test_wrong_words_are_refused(mediaml, run, photos):
    assert "Shards are numbered from 1 to 4." in run("photos", "--shard", "0/4").err
    assert "Write N/COUNT" in run("photos", "--shard", "half").err
    missing = mediaml("merge", "nowhere", "-o", "all")
    assert (missing.code, "nowhere holds no ledger" in missing.err) == (2, True)
