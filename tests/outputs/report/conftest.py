"""Fixtures for the tests of the report: one folder and one page for all of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from mediaml.ledger.results import open_results
from mediaml.outputs.report.report import write_report
from tests.support.browser import Shown, browser, shown
from tests.support.report_folder import ReportFolder, found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportFolder]:
    """Three images, a video, audio and a file that failed."""
    made = ReportFolder(tmp_path_factory.mktemp("report"))
    made.image("cat.jpg", found("cat", 0.9, 20, 10, 100, 60), found("dog", 0.4), found("cat", 0.3))
    made.image("sub/dog.jpg", found("dog", 0.7), found("dog", 0.6, 150, 50, 200, 100))
    made.image("empty.jpg", found("cat", 0.1))
    made.clip()
    made.sound()
    made.broken()
    yield made
    made.ledger.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page_file(folder: ReportFolder) -> Path:
    with open_results(folder.out) as results:
        return write_report(results, folder.out / "report.html").target


@pytest.fixture
def report(chromium: Browser, page_file: Path) -> Iterator[Shown]:
    """The page, fresh; nothing may be in its console, and nothing may be asked of the network."""
    with shown(chromium, page_file) as seen:
        yield seen
        seen.check()
