"""`mediaml report` as a user types it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.outputs.report.test_written import facts
from tests.support.command_line import CommandResult
from tests.support.report_folder import ReportFolder, found

Call = Callable[..., CommandResult]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ReportFolder]:
    made = ReportFolder(tmp_path)
    made.image("cat.jpg", found("cat", 0.9), found("dog", 0.4))
    made.image("dog.jpg", found("dog", 0.7))
    made.ledger.close()
    yield made


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
