"""Lines and zones in the report, driven in Chromium: totals, plots, shapes over the picture, both widths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import shapely
from playwright.sync_api import Browser

from mediaml.core.errors import OutputError
from mediaml.derive.lines import Line
from mediaml.derive.zones import Zone
from mediaml.ledger.results import open_results
from mediaml.outputs.report.counts import Places
from mediaml.outputs.report.report import write_report
from tests.support.browser import Shown, shown
from tests.support.media.annotated_clips import square_at
from tests.support.report_folder import CLIP_FRAMES, CLIP_SIZE, ReportFolder, found
from tests.support.report_page import PICTURES

MIDDLE = CLIP_SIZE[0] / 2
HOSTILE = "<img src=x onerror=alert(1)>"
PLACES = Places(
    [Line("gate", 0.5, 1, 0.5, 0), Line("never", 0, 0, 0.01, 0)],
    [Zone(HOSTILE, shapely.box(0, 0, 0.5, 1), True)],
)


def anchors() -> list[float]:
    """Where the square of the clip stands in each frame, from the left."""
    return [square_at(frame)[0] + 12 for frame in range(CLIP_FRAMES)]


@pytest.fixture(scope="module")
def counted(folder: ReportFolder) -> Path:
    with open_results(folder.out) as results:
        return write_report(results, folder.out / "counted.html", places=PLACES).target


@pytest.fixture
def page(chromium: Browser, counted: Path) -> Iterator[Shown]:
    with shown(chromium, counted) as seen:
        seen.page.click("#tab-counts")
        seen.settle()
        yield seen
        seen.check()


def cells(page: Shown, place: str) -> list[list[str]]:
    rows = page.page.locator(f".place:has-text('{place}') tbody tr").all()
    return [row.locator("td").all_inner_texts() for row in rows]


def test_crossings_and_stays_are_those_of_the_square(page: Shown) -> None:
    right = [place > MIDDLE for place in anchors()]
    inward = sum(not before and after for before, after in pairwise(right))
    outward = sum(before and not after for before, after in pairwise(right))
    assert inward + outward > 0
    assert cells(page, "gate") == [["target", str(inward), str(outward)]]
    ((name, objects, seconds, most),) = cells(page, "zone")
    assert (name, objects, most) == ("target", "1", "1")
    # It is away for less than half a second, which does not end a stay.
    left = [frame for frame, is_right in enumerate(right) if not is_right]
    assert max(after - before for before, after in pairwise(left)) / 25 < 0.5
    assert float(seconds) == pytest.approx((left[-1] + 1 - left[0]) / 25, abs=0.05)
    assert page.page.locator(".place").count() == 2  # nothing crossed the other line
    assert page.page.locator(".place h3 bdi").all_inner_texts() == ["gate", HOSTILE]


def test_a_click_in_a_plot_opens_the_moment_with_the_shapes(page: Shown) -> None:
    over = page.page.locator(".place:has-text('gate') .u-over").bounding_box()
    assert over is not None
    page.page.mouse.click(over["x"] + over["width"] * 0.75, over["y"] + 20)
    page.settle()
    assert page.text("#viewer-name").endswith("clip.mp4")
    page.page.wait_for_function("document.querySelector('#screen video').currentTime > 1.4")
    line = page.page.locator("#screen path.line").first.get_attribute("d") or ""
    assert [float(text) for text in re.findall(r"-?[\d.]+", line)[:4]] == [MIDDLE, CLIP_SIZE[1], MIDDLE, 0]
    assert page.page.locator("#screen path.zone").count() == 1
    assert page.page.locator("#screen .place-tag").all_inner_texts() == [HOSTILE, "gate", "never"]
    assert "gate" in page.text("#about")


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (400, "light"), (1400, "dark")])
def test_looks(chromium: Browser, counted: Path, width: int, scheme: str) -> None:
    """Nothing is wider than the window; the pictures are left for people to look at."""
    with shown(chromium, counted, width, scheme="dark" if scheme == "dark" else "light") as seen:
        seen.page.click("#tab-counts")
        seen.settle()
        PICTURES.mkdir(parents=True, exist_ok=True)
        seen.page.screenshot(path=PICTURES / f"counts-{width}-{scheme}.png", full_page=True)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.page.locator(".place .u-over").count() == 2
        seen.check()


def test_without_lines_and_zones_there_is_no_such_part(report: Shown) -> None:
    assert report.page.locator("#tab-counts").is_hidden()


def test_counts_need_tracks(tmp_path: Path) -> None:
    made = ReportFolder(tmp_path)
    made.image("cat.jpg", found("cat", 0.9))
    with (
        open_results(made.out) as results,
        pytest.raises(OutputError, match=r"nothing in .* was tracked\.\nTrack it first: mediaml track"),
    ):
        write_report(results, made.out / "report.html", places=PLACES)
    made.ledger.close()
    assert not (made.out / "report.html").exists()
