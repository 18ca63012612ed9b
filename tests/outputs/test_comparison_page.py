"""The pages of `diff` and `evaluate` in Chromium, from disk: figures, plots, pictures, hostile names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from scripts.paths import REPOSITORY
from tests.support.browser import browser, shown
from tests.support.report_folder import HEIGHT, WIDTH, ReportFolder, found

PICTURES = REPOSITORY / "out" / "comparison"
"""Where screenshots of the tests are left for people to look at; not in the repository."""
HOSTILE = "<img src=x onerror=hacked=1>"


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as chromium:
        yield chromium


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Output folders `left/out` and `right/out`, and a truth for the left one."""
    person, moved = found("person", 0.9, 10, 10, 60, 90), found("person", 0.6, 14, 10, 64, 90)
    light = found("traffic light", 0.7, 120, 5, 150, 60)
    said = {"left": ([person, light], [light]), "right": ([moved], [light, person])}
    for side, (first, second) in said.items():
        folder = ReportFolder(tmp_path / side)
        folder.image("a.jpg", *first)
        folder.image("b.jpg", *second, shade=160)
        folder.image(f"{HOSTILE}.jpg", *([person] if side == "left" else []))
        if side == "left":
            folder.image(f"only{HOSTILE}.jpg")
        folder.ledger.close()
    truth = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "categories": [
            {"id": 1, "name": "person"},
            {"id": 2, "name": "traffic light"},
            {"id": 3, "name": HOSTILE},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 80], "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 3, "bbox": [120, 5, 30, 55], "iscrowd": 0},
        ],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    return tmp_path


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (400, "light")])
def test_a_comparison_is_shown(mediaml, folders, opened, width, scheme):  # type: ignore[no-untyped-def]
    done = mediaml("diff", "left/out", "right/out", "-o", "diff.html")
    assert done.code == 0, done.err
    with shown(opened, folders / "diff.html", width, scheme=scheme) as page:
        tiles = page.page.locator(".tile strong").all_inner_texts()
        assert tiles == ["3", "2", "2", "1"]
        rows = [row.inner_text().split() for row in page.page.locator("tbody tr").all()]
        assert [row[:5] for row in rows] == [
            ["person", "2", "2", "1", "1"],
            ["traffic", "light", "2", "1", "1"],
        ]
        assert page.page.locator(".frame").count() == 3
        loaded = "images => images.map(image => image.complete && image.naturalWidth)"
        page.page.locator(".shot img").last.scroll_into_view_if_needed()
        page.page.wait_for_function("() => [...document.images].every(image => image.complete)")
        assert page.page.locator(".shot img").evaluate_all(loaded) == [WIDTH] * 6
        first = page.page.locator(".frame").first
        assert first.locator(".side").nth(0).locator("path.box").count() in (1, 2)
        assert page.page.locator("details li").all_text_contents() == [f"media/only{HOSTILE}.jpg"]
        assert page.page.evaluate("typeof hacked") == "undefined"
        assert page.page.evaluate("document.body.scrollWidth <= innerWidth"), "wider than the window"
        assert page.page.locator(".plot canvas").count() == 1
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.page.screenshot(path=PICTURES / f"diff-{width}-{scheme}.png", full_page=True)
        page.check()


def test_a_measurement_is_shown(mediaml, folders, opened):  # type: ignore[no-untyped-def]
    done = mediaml("evaluate", "left/out", "--truth", "truth.json", "-o", "evaluation.html")
    assert done.code == 0, done.err
    with shown(opened, folders / "evaluation.html") as page:
        tiles = page.page.locator(".tile strong").all_inner_texts()
        assert tiles == ["0.500", "0.500", "0.500", "0.500"]
        cells = page.page.locator(".matrix td:not(.zero)")
        assert sorted(cell.get_attribute("title") for cell in cells.all()) == [
            f"{HOSTILE} taken for traffic light: 1",
            "person taken for person: 1",
        ]
        assert page.page.locator(".plot canvas").count() == 1
        page.page.keyboard.press("t")
        assert page.page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.page.evaluate("typeof hacked") == "undefined"
        page.page.screenshot(path=PICTURES / "evaluation-1400.png", full_page=True)
        page.check()


def test_a_page_that_exists_is_kept(mediaml, folders):  # type: ignore[no-untyped-def]
    (folders / "diff.html").write_text("mine")
    refused = mediaml("diff", "left/out", "right/out", "-o", "diff.html")
    assert refused.code == 2 and "--overwrite" in refused.err
    assert (folders / "diff.html").read_text() == "mine"
    assert mediaml("diff", "left/out", "right/out", "-o", "diff.html", "--overwrite").code == 0
