"""`mediaml report` as a user types it."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.paths import REPOSITORY
from tests.support.command_line import CommandResult
from tests.support.media.files import write_image
from tests.support.report_folder import ReportFolder, found
from tests.support.report_page import facts

Call = Callable[..., CommandResult]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ReportFolder]:
    made = ReportFolder(tmp_path)
    made.image("cat.jpg", found("cat", 0.9), found("dog", 0.4))
    made.image("dog.jpg", found("dog", 0.7))
    yield made
    made.ledger.close()


def test_the_page_is_written_and_not_overwritten(mediaml: Call, folder: ReportFolder) -> None:
    done = mediaml("report", "out")
    assert (done.code, done.out) == (0, "") and done.err == "report: out/report.html\n"
    assert len(list((folder.out / "report_files").iterdir())) == 2
    again = mediaml("report", "out")
    assert again.code == 2 and "out/report.html exists." in again.err and "--overwrite" in again.err
    assert mediaml("report", "out", "--overwrite").code == 0
    assert mediaml("report", "out", "-o", "other/page.html", "-q").err == ""
    assert (folder.folder / "other" / "page_files").is_dir()
    assert mediaml("report", "out", "-o", "media").code == 2


def test_it_can_be_about_a_part(mediaml: Call, folder: ReportFolder) -> None:
    mediaml("report", "out", "--source", "cat*", "--classes", "dog", "--conf", "0.3", "--model", "finder")
    told = facts(folder.out / "report.html")
    assert [one["name"] for one in told["sources"]] == ["media/cat.jpg"]
    assert told["threshold"] == 0.3 and [one["name"] for one in told["models"]] == ["finder"]
    for option, value, hint in (
        ("--classes", "dogg", "Did you mean 'dog'?"),
        ("--model", "findr", "Did you mean 'finder'?"),
        ("--source", "no*", "no source that matches"),
        ("--root", "nowhere", "is not a folder"),
    ):
        done = mediaml("report", "out", "--overwrite", option, value)
        assert done.code == 2 and hint in done.err, done.err


def test_sources_that_moved_are_said_to_be_missing(mediaml: Call, folder: ReportFolder) -> None:
    folder.media.rename(folder.folder / "new")
    done = mediaml("report", "out")
    assert done.code == 0 and "2 sources not found, shown without thumbnail" in done.err
    assert "--root" in done.err
    assert mediaml("report", "out", "--overwrite", "--root", "new").err == "report: out/report.html\n"


def test_no_ledger(mediaml: Call, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = mediaml("report", "none")
    assert done.code == 2 and "holds no ledger" in done.err


def test_the_commands_of_the_document_run(mediaml: Call, folder: ReportFolder) -> None:
    """As they stand there, over a folder that has what they ask for; nothing is opened."""
    for name in ("person", "car"):
        folder.image(f"{name}.jpg", found(name, 0.9))
    text = (REPOSITORY / "docs" / "report.md").read_text(encoding="utf-8")
    lines = re.findall(r"^mediaml (report .*)$", text, flags=re.MULTILINE)
    assert len(lines) == 5
    folder.clip()
    zone = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    (folder.folder / "areas.geojson").write_text(json.dumps(zone), encoding="utf-8")
    folder.out.rename(folder.folder / "mediaml-out")
    shutil.copytree(folder.media, folder.folder / "new" / "place")
    for line in lines:
        words = [word.replace("clips/", "media/").replace("yolo", "finder") for word in shlex.split(line)]
        done = mediaml(*(word for word in words if word != "--open"))
        assert done.code == 0 and done.err.startswith("report: "), done.err
    pages = {path.name for path in folder.folder.rglob("*.html")}
    assert pages == {"report.html", "people.html", "clips.html", "moved.html", "counts.html"}


def test_third_party_files_are_what_the_document_says() -> None:
    text = (REPOSITORY / "docs" / "report.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([\w.]+)` \|.*\| `([0-9a-f]{64})` \|$", text, flags=re.MULTILINE))
    vendor = REPOSITORY / "mediaml" / "outputs" / "report" / "static" / "vendor"
    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.iterdir()}


def test_a_run_writes_it_when_asked(mediaml: Call, tmp_path: Path) -> None:
    write_image(tmp_path / "in.png", 40, 30)
    done = mediaml("run", "-p", "digits", "in.png", "-f", "report", "-o", "out", "--jobs", "0")
    assert done.code == 0, done.err
    assert [one["name"] for one in facts(tmp_path / "out" / "report.html")["sources"]] == ["in.png"]
    again = mediaml("run", "-p", "digits", ".", "-f", "report", "-o", "out", "--jobs", "0")
    assert again.code == 0 and "1 of 1 file done" in again.err  # its own thumbnails are no inputs
