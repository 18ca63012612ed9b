"""The report in Chromium, from disk: totals, filters, keys, hostile names, sizes of the window."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from mediaml.core.view import View
from mediaml.ledger.results import open_results
from mediaml.outputs.report.report import write_report
from tests.support.browser import Shown, shown
from tests.support.report_folder import FINDER, ReportFolder, found
from tests.support.report_page import LOADED, PICTURES, counts, set_threshold


def most_at_once(folder: Path, least: dict[str, float]) -> Counter[str]:
    """Per class the most in one frame of each source, added up: read through the library, not the page."""
    totals: Counter[str] = Counter()
    with open_results(folder) as results:
        for source in results.sources():
            most: Counter[str] = Counter()
            for frame in results.frames(source=source, view=View()):
                said = frame.prediction
                labels = [one.label for one in said.detections] + list(said.labels[:1])
                most |= Counter(one.name for one in labels if one.score >= least[frame.model])
            totals += most
    return totals


def names(report: Shown) -> list[str]:
    return [card.inner_text() for card in report.page.locator(".card h3").all()]


def test_totals_are_those_of_the_results(report: Shown, folder: ReportFolder) -> None:
    totals = most_at_once(folder.out, {"finder": 0.25, "ears": 0.5})
    assert totals == {"cat": 2, "dog": 3, "target": 1, "click": 1, "seven": 1}
    assert counts(report) == totals
    tiles = report.page.locator(".tile strong").all_inner_texts()
    assert tiles == ["6", str(sum(totals.values())), "1", str(3 + 50 + 1 + 3)]
    assert report.text("#count") == "6 files"
    assert names(report) == ["cat.jpg", "dog.jpg", "empty.jpg", "clip.mp4", "tone.wav", "broken.jpg"]


@pytest.mark.parametrize(("threshold", "boxes"), [(0.65, 1), (0.35, 2), (0.05, 3)])
def test_the_slider_filters_at_once(
    report: Shown, folder: ReportFolder, threshold: float, boxes: int
) -> None:
    set_threshold(report, threshold)
    assert report.text("#threshold-text") == f"≥ {threshold:.2f}"
    assert counts(report) == most_at_once(folder.out, {"finder": threshold, "ears": threshold})
    assert report.page.locator(".card").first.locator("path.box").count() == boxes


def test_the_run_s_thresholds_can_be_had_back(report: Shown) -> None:
    assert report.text("#threshold-text") == "as run"
    before = counts(report)
    set_threshold(report, 0.95)
    assert counts(report) == {}
    report.page.click("#threshold-hint button")
    report.settle()
    assert counts(report) == before and report.text("#threshold-text") == "as run"


def test_a_class_selects_files_and_boxes(report: Shown) -> None:
    report.page.click("#classes button:has-text('dog')")
    report.settle()
    assert names(report) == ["cat.jpg", "dog.jpg"]
    assert [card.locator("path.box").count() for card in report.page.locator(".card").all()] == [1, 2]
    assert report.text(".tile:nth-child(2) strong") == "3"
    assert report.page.locator("#classes button[aria-pressed=true]").count() == 1
    report.page.click("#classes-hint button")
    report.settle()
    assert len(names(report)) == 6


def test_model_media_name_and_order_select(report: Shown) -> None:
    report.page.click("#models button:has-text('ears')")
    report.settle()
    assert set(counts(report)) == {"click", "seven"}
    report.page.click("#models button:has-text('ears')")
    report.page.click("#kinds button:has-text('images')")
    report.settle()
    assert names(report) == ["cat.jpg", "dog.jpg", "empty.jpg"]
    report.page.select_option("#sort", "score")
    report.page.check("#only-found")
    report.settle()
    assert names(report) == ["cat.jpg", "dog.jpg"]
    report.page.fill("#find", "SUB/")
    report.settle()
    assert names(report) == ["dog.jpg"] and report.text("#count") == "1 of 6 files"
    report.page.fill("#find", "no such file")
    report.settle()
    assert report.text("#empty") == "No file fits these filters."


def test_the_histogram_holds_every_score(report: Shown) -> None:
    assert report.page.locator("#scores").get_attribute("aria-label") == "Distribution of 58 scores"
    assert report.page.locator("#scores canvas").count() == 1


def test_what_failed_comes_first_and_says_why(report: Shown) -> None:
    report.page.click(".tile.bad")
    row = report.page.locator("#failures tbody tr")
    assert row.count() == 1
    cells = [" ".join(text.split()) for text in row.locator("td").all_inner_texts()]
    assert cells == [
        "media/broken.jpg",
        "finder",
        "open",
        "MediaError",
        "is <b>no</b> image. Check the file.",
    ]
    assert report.text("#tab-failures") == "Failures1"


def test_the_run_is_described(report: Shown) -> None:
    report.page.click("#tab-run")
    text = report.text("#run")
    for fact in ("finder.onnx", "f" * 64, "cpu", "min_score 0.25", "conf 0.05"):
        assert fact in text


def test_everything_has_a_key(report: Shown) -> None:
    page = report.page
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("jpg?")
    assert page.input_value("#find") == "jpg?"
    page.keyboard.press("Escape")
    assert page.input_value("#find") == ""
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.locator("#grid").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert report.text("#viewer-name") == "media/sub/dog.jpg"
    page.keyboard.press("ArrowRight")
    assert report.text("#viewer-name") == "media/empty.jpg"
    page.keyboard.press("Escape")
    assert not page.locator("#viewer").is_visible()
    page.keyboard.press("]")
    report.settle()
    assert report.text("#threshold-text") == "≥ 0.30"
    page.keyboard.press("b")
    assert not page.locator(".boxes").first.is_visible()
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_hostile_names_stay_names(tmp_path: Path, chromium: Browser) -> None:
    made = ReportFolder(tmp_path)
    hostile = [
        '</script><img src=x onerror="hacked=1">.jpg'.replace("/", "\u2215"),
        "a'b\"c`<b>&amp;#%3F?.jpg",
        "\u202egpj.exe.jpg",
        os.fsdecode(b"byte-\xff\xfe.jpg"),
        "new\nline.jpg",
    ]
    for name in hostile:
        made.image(name, found("</script><script>hacked=1</script>", 0.9), found('"><i>', 0.8))
    with open_results(made.out) as results:
        target = write_report(results, made.out / "<i>report's %41.html").target
    made.ledger.close()
    with shown(chromium, target) as seen:
        assert seen.page.evaluate("typeof hacked") == "undefined"
        assert seen.page.locator(".card b, .card i:not(.swatch), #classes b").count() == 0
        titles = names(seen)
        assert titles[0] == hostile[0] and titles[1] == hostile[1]
        assert titles[2] == "\\u202egpj.exe.jpg" and titles[3] == "byte-\\xff\\xfe.jpg"
        assert set(counts(seen)) == {"</script><script>hacked=1</script>", '"><i>'}
        for place in range(len(hostile)):
            seen.page.locator(".card").nth(place).click()
            image = seen.page.locator("#screen img")
            image.evaluate("image => image.decode()")
            assert image.evaluate("image => image.naturalWidth") == 200, hostile[place]
            assert ".." in (image.get_attribute("src") or ""), "the original, not its thumbnail"
            seen.page.keyboard.press("Escape")
        seen.check()


def test_the_policy_allows_no_script_but_the_page_s_own(report: Shown, page_file: Path) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page_file.read_text("utf-8"))
    assert policy and "unsafe" not in policy[1] and "default-src 'none'" in policy[1]
    report.page.evaluate(
        "() => { const s = document.createElement('script');"
        " s.textContent = 'hacked = 1'; document.body.append(s); }"
    )
    assert report.page.evaluate("typeof hacked") == "undefined"
    assert any("Content Security Policy" in line for line in report.said)
    report.said.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_screenshots(chromium: Browser, page_file: Path, width: int, scheme: str) -> None:
    """The page fits each width; pictures of it are left in `out/report`."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with shown(chromium, page_file, width, 900, "dark" if scheme == "dark" else "light") as seen:
        for name in ("files", "failures", "run"):
            seen.page.click(f"#tab-{name}")
            seen.settle()
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
            seen.page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png")
        seen.page.click("#tab-files")
        seen.page.click(".card:has-text('clip.mp4')")
        seen.page.locator("#screen video").evaluate(LOADED)
        seen.settle()
        assert seen.page.evaluate("document.getElementById('viewer').scrollWidth") <= width
        seen.page.screenshot(path=PICTURES / f"viewer-{width}-{scheme}.png")
        ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(map(int, re.findall(r"\d+", ground))) / 3
        assert (brightness < 60) == (scheme == "dark")
        seen.check()


def test_paper_has_files_failures_and_the_run(report: Shown) -> None:
    report.page.emulate_media(media="print")
    assert report.page.locator("#failures").is_visible() and report.page.locator("#run").is_visible()
    assert not report.page.locator("#find").is_visible()
    assert report.page.pdf(format="A4", print_background=True).startswith(b"%PDF")


def test_an_empty_ledger_says_so(tmp_path: Path, chromium: Browser) -> None:
    made = ReportFolder(tmp_path)
    made.ledger.close()
    with open_results(made.out) as results:
        target = write_report(results, made.out / "report.html").target
    with shown(chromium, target) as seen:
        assert seen.text("#empty") == "The ledger is empty: no file has been processed yet."
        seen.check()


def test_a_ledger_with_nothing_but_failures(tmp_path: Path, chromium: Browser) -> None:
    made = ReportFolder(tmp_path)
    made.broken()
    made.ledger.close()
    with open_results(made.out) as results:
        target = write_report(results, made.out / "report.html").target
    with shown(chromium, target) as seen:
        assert seen.text(".card .failed") == "failed"
        assert seen.text(".card .nothing") == "is <b>no</b> image."
        seen.page.click(".card")
        assert "finder failed (open, MediaError)" in seen.text("#about")
        seen.check()


def test_a_hundred_thousand_classes(tmp_path: Path, chromium: Browser) -> None:
    made = ReportFolder(tmp_path)
    names_ = [f"class {number}" for number in range(100_000)]
    made.finder = made.ledger.add_model(replace(FINDER, name="many"), View(0.25), names_)
    made.image("a.jpg", found("class 99999", 0.9), found("class 70000", 0.8))
    made.ledger.close()
    with open_results(made.out) as results:
        target = write_report(results, made.out / "report.html").target
    with shown(chromium, target) as seen:
        assert counts(seen) == {"class 70000": 1, "class 99999": 1}
        seen.check()
