"""What `mediaml run` makes of the files, folders, lists and patterns that it is given."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import results
from tests.support.media.files import write_image, write_square_video

HOSTILE = ("\x1b[31mred\x07.png", "new\nline.png", "right\u202eto left.png", os.fsdecode(b"bad\xff\x9b.png"))


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder of a clip, a photo, and a photo in a folder of its own."""
    folder = tmp_path / "photos"
    (folder / "cache").mkdir(parents=True)
    write_square_video(folder / "clip.mp4", frames=8)
    write_image(folder / "a.jpg", 40, 40)
    write_image(folder / "cache/b.png", 40, 40)
    return folder


@pytest.fixture
def run(mediaml, square_finder):
    """Run the square finder on what is named."""

    def call(*arguments):
        said = mediaml("run", "-p", "yolo", "-m", square_finder, "--device", "cpu", *arguments)
        assert "Traceback" not in said.err
        return said

    return call


def sources(folder: Path) -> set[object]:
    return {line["source"] for line in results(folder)[1:]}


def failures(folder: Path) -> dict[str, str]:
    lines = (folder / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["source"]: line["message"] for line in map(json.loads, lines)}


def copies(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.annotated.*")}


def test_what_a_run_wrote_is_no_input_of_the_next(run, photos, tmp_path):
    first = run("photos", "-o", "photos/out")
    assert first.code == 0, first.err
    assert copies(photos / "out") == {
        "photos/clip.annotated.mp4",
        "photos/a.annotated.jpg",
        "photos/cache/b.annotated.png",
    }
    again = run("photos", "-o", "out2")
    assert again.code == 0, again.err
    assert again.err.count("skipped photos/out/: it is a mediaml output folder") == 1
    names = {"photos/clip.mp4", "photos/a.jpg", "photos/cache/b.png"}
    assert sources(tmp_path / "out2") == names
    assert not [name for name in copies(tmp_path / "out2") if name.count("annotated") > 1]
    plan = run("photos", "-o", "out2", "--dry-run")
    assert "photos/out" not in plan.out and "skipped photos/out/" in plan.err


def test_copies_that_were_moved_or_renamed_are_left_out_unless_they_are_named(run, photos, tmp_path):
    run("photos", "-o", "out")
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.copy(tmp_path / "out/photos/clip.annotated.mp4", moved)
    shutil.copy(tmp_path / "out/photos/a.annotated.jpg", moved / "holiday.jpg")
    shutil.copy(tmp_path / "out/photos/clip.annotated.mp4", moved / "holiday.mp4")
    shutil.copy(photos / "cache/b.png", moved / "mine.annotated.png")
    said = run("moved", "-o", "out2")
    assert said.code == 0, said.err
    assert sources(tmp_path / "out2") == {"moved/mine.annotated.png"}
    assert "skipped moved/clip.annotated.mp4: it is an annotated copy that mediaml wrote" in said.err
    assert "2 annotated copies skipped" in said.err
    named = run("moved/clip.annotated.mp4", "moved/holiday.jpg", "-o", "out3")
    assert named.code == 0, named.err
    assert sources(tmp_path / "out3") == {"moved/clip.annotated.mp4", "moved/holiday.jpg"}
    assert "moved/clip.annotated.mp4 and 1 more: already an annotated copy" in named.err
    (moved / "mine.annotated.png").unlink()
    assert run("moved", "-o", "out4").code == 5


@pytest.mark.parametrize(("typed", "output"), [("photos", "photos"), ("photos/cache", "photos"), (".", ".")])
def test_the_output_folder_may_be_the_input_folder_or_around_it(run, photos, tmp_path, typed, output):
    first = run(typed, "-o", output)
    assert first.code == 0, first.err
    before = copies(tmp_path)
    found = sources(tmp_path / output)
    again = run(typed, "-o", output)
    assert again.code == 0 and f"{len(found)} already up to date" in again.err
    assert "not media" not in again.err  # what mediaml wrote there is not counted
    assert sources(tmp_path / output) == found and copies(tmp_path) == before


@pytest.mark.parametrize("pattern", ["cache", "photos/cache/", "cache/**"])
def test_an_excluded_folder_is_left_out(run, photos, tmp_path, pattern):
    assert run("photos", "--exclude", pattern, "-o", "out").code == 0
    assert sources(tmp_path / "out") == {"photos/clip.mp4", "photos/a.jpg"}


def test_lists_have_comments_and_come_from_other_systems(run, photos, tmp_path, monkeypatch):
    write_image(tmp_path / "#1.png", 40, 40)
    lines = ["# my photos", "", "photos/a.jpg", "./#1.png", "~/cache/b.png"]
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    monkeypatch.setenv("HOME", str(photos))
    said = run("--from-file", "list.txt", "-o", "out")
    assert said.code == 0, said.err
    assert sources(tmp_path / "out") == {"photos/a.jpg", "#1.png", str(photos / "cache/b.png")}
    (tmp_path / "list0").write_bytes(b"photos/a.jpg\0#1.png\0")
    assert run("--from-file", "list0", "-o", "out0").code == 0
    assert sources(tmp_path / "out0") == {"photos/a.jpg", "#1.png"}


def test_what_may_not_be_read_or_leads_nowhere_fails_by_name(run, photos, tmp_path, monkeypatch):
    (photos / "loop").symlink_to("loop")
    long = "n" * 300 + ".jpg"
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("/cache"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    plan = run("photos", long, "-o", "out", "--dry-run", "--hash")
    assert "fail" in plan.out and "the folder cannot be read: permission denied" in plan.out
    said = run("photos", long, "-o", "out")
    assert said.code == 1
    failed = failures(tmp_path / "out")
    assert failed["photos/cache"].startswith("the folder cannot be read: permission denied.")
    assert "leads back to itself" in failed["photos/loop"]
    assert "is too long" in failed[long]
    assert all(name in said.err for name in failed)
    assert {"photos/clip.mp4", "photos/a.jpg"} < sources(tmp_path / "out")
    alone = run("photos/cache", "-o", "out2")
    assert alone.code == 1 and "permission denied" in failures(tmp_path / "out2")["photos/cache"]
    monkeypatch.setattr(os, "scandir", scandir)
    again = run("photos/cache", "-o", "out2")
    assert again.code == 0 and sources(tmp_path / "out2") == {"photos/cache/b.png"}
    assert not (tmp_path / "out2/failures.jsonl").exists()


def test_a_link_that_is_repaired_is_done_by_the_next_run(run, photos, tmp_path):
    (photos / "late.jpg").symlink_to("absent.jpg")
    assert run("photos", "-o", "out").code == 1
    write_image(photos / "absent.jpg", 40, 40)
    assert run("photos", "-o", "out").code == 0
    assert not (tmp_path / "out/failures.jsonl").exists()


def test_a_pattern_that_matches_nothing_is_said(run, photos):
    said = run("photos/a.jpg", "photos/*.gif", "-o", "out")
    assert said.code == 0
    assert "warning: no file matches photos/*.gif" in said.err
    assert "no file matches photos/*.gif" in run("photos/*.gif", "-o", "out2").err


def test_a_windows_path_gets_a_hint(run, photos):
    said = run(r"C:\photos\a.jpg", "-o", "out")
    assert said.code == 5 and "Windows path" in said.err


def test_no_name_of_a_file_reaches_the_terminal_raw(run, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in HOSTILE:
        write_image(folder / "good.png", 40, 40)
        (folder / "good.png").rename(folder / name)
        (folder / f"broken {name}").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    os.mkfifo(folder / "pipe\x1b[2J")
    said = run("in", "in/no\x1b[32m.jpg", "in/\u202e*.gif", "-v", "-o", "out")
    assert said.code == 1
    text = said.err + said.out
    assert not [char for char in text if not char.isprintable() and char != "\n"]
    assert r"in/right\u202eto left.png: done" in text
    assert r"in/broken new\x0aline.png: failed" in text
    assert all(message for message in failures(tmp_path / "out").values())
    assert len(sources(tmp_path / "out")) == 9
    wrong = run("in", "--max-failures", "\x1b[31m", "-o", "out")
    assert wrong.code == 2 and "\x1b" not in wrong.err


def test_the_secrets_of_a_url_are_in_nothing_that_is_printed_or_written(run, photos, tmp_path):
    hidden = "cHJpdmF0ZQ"
    url = f"nothing://h/a.mp4?code={hidden}&jwt={hidden}&sessionid={hidden}&t=5#access_token={hidden}"
    said = run(url, "photos/a.jpg", "-v", "-o", "out")
    assert said.code == 1
    shown = "nothing://h/a.mp4?code=***&jwt=***&sessionid=***&t=5#access_token=***"
    assert shown in said.err and shown in failures(tmp_path / "out")
    assert hidden not in said.err + said.out
    for path in (tmp_path / "out").rglob("*"):
        assert hidden not in str(path)
        assert path.is_dir() or hidden.encode() not in path.read_bytes()
