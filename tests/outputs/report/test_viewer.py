"""One file large: boxes where they belong, a player that jumps to the moment, tracks, files that are gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from mediaml.core.prediction import Detection, Keypoint, Label
from mediaml.ledger.results import open_results
from mediaml.outputs.report.report import write_report
from tests.support.browser import Shown, shown
from tests.support.media.annotated_clips import square_at
from tests.support.report_folder import ReportFolder, found
from tests.support.report_page import LOADED, counts, set_threshold


def open_file(report: Shown, name: str) -> None:
    report.page.click(f".card:has-text('{name}')")
    report.settle()


def numbers(path: str) -> list[float]:
    return [float(text) for text in re.findall(r"-?[\d.]+", path)]


def drawn(report: Shown) -> list[list[float]]:
    """The boxes on the stage: left, top, right, bottom in pixels of the source."""
    paths = report.page.locator("#screen path.box").all()
    return [numbers(path.get_attribute("d") or "")[:4] for path in paths]


def test_boxes_of_an_image_are_where_they_were_found(report: Shown) -> None:
    open_file(report, "cat.jpg")
    assert drawn(report)[-1] == pytest.approx([20, 10, 100, 60], abs=0.01)  # the best is on top
    tags = report.page.locator("#screen .tag").all_inner_texts()
    assert tags == ["cat 0.30", "dog 0.40", "cat 0.90"]
    image = report.page.locator("#screen img").bounding_box()
    svg = report.page.locator("#screen svg").bounding_box()
    assert image == svg and image is not None
    assert image["width"] / image["height"] == pytest.approx(2, abs=0.01)
    report.page.keyboard.press("]")  # the threshold acts on an open file, too
    for _ in range(3):
        report.page.keyboard.press("]")
    report.settle()
    assert report.page.locator("#screen .tag").all_inner_texts() == ["cat 0.90"]


def test_the_timeline_jumps_the_player_to_the_moment(report: Shown) -> None:
    open_file(report, "clip.mp4")
    video = report.page.locator("#screen video")
    video.evaluate(LOADED)
    over = report.page.locator("#timeline .u-over").bounding_box()
    assert over is not None
    video.evaluate("v => { v.sought = new Promise(done => v.addEventListener('seeked', done)); }")
    report.page.mouse.click(over["x"] + over["width"] * 0.75, over["y"] + 8)
    video.evaluate("v => v.sought")
    report.settle()
    time_s = video.evaluate("v => v.currentTime")
    assert time_s == pytest.approx(1.5, abs=0.02)
    x, y = square_at(int(time_s * 25 + 0.001))
    assert drawn(report) == [pytest.approx([x, y, x + 24, y + 24], abs=0.01)]
    head = report.page.locator(".playhead").bounding_box()
    assert head is not None
    assert head["x"] - over["x"] == pytest.approx(over["width"] * time_s / 2, abs=2)


def test_keys_step_to_findings_and_play(report: Shown) -> None:
    open_file(report, "clip.mp4")
    video = report.page.locator("#screen video")
    video.evaluate(LOADED)
    video.evaluate("v => { v.currentTime = 0; return new Promise(done => v.onseeked = done); }")
    report.settle()
    assert drawn(report) == []  # the weak ones are below the threshold
    report.page.keyboard.press(".")
    assert video.evaluate("v => v.currentTime") == pytest.approx(1.0, abs=0.001)
    report.page.keyboard.press("Space")
    assert not video.evaluate("v => v.paused")
    report.page.keyboard.press("Space")
    assert video.evaluate("v => v.paused")


def test_a_video_has_moments_and_its_lanes_are_named(report: Shown) -> None:
    open_file(report, "clip.mp4")
    moments = report.page.locator("#moments button")
    assert moments.count() == 6  # of twelve parts of 2 s, those from 1 s on have a finding
    assert moments.nth(0).locator("path.box").count() == 1
    label = report.page.locator("#timeline").get_attribute("aria-label")
    assert label == "Timeline: target 0:01, click 0:01"
    assert "target" in report.text("#about .found") and "distinct objects" in report.text("#about")
    moments.last.click()
    assert report.page.locator("#screen video").evaluate("v => v.currentTime") > 1.8
    assert report.page.locator("#by-track").is_visible()
    report.page.check("#by-track input")
    assert counts(report, "#tracks") == {"target": 1}
    assert report.page.locator("#timeline").get_attribute("aria-label") == "Timeline: target 0:01, click 0:01"


def test_audio_plays_beside_its_spectrogram(report: Shown) -> None:
    open_file(report, "tone.wav")
    audio = report.page.locator("#screen audio")
    audio.evaluate(
        "a => a.readyState >= 1 || new Promise(done => a.addEventListener('loadedmetadata', done))"
    )
    assert audio.evaluate("a => a.duration") == pytest.approx(3, abs=0.05)
    assert report.text("#about .found li") == "seven 1.0 s"
    over = report.page.locator("#timeline .u-over").bounding_box()
    assert over is not None and over["height"] > 180  # a lane and the spectrogram
    report.page.mouse.click(over["x"] + over["width"] / 2, over["y"] + 60)
    assert audio.evaluate("a => a.currentTime") == pytest.approx(1.5, abs=0.05)


def test_files_that_are_gone_or_changed_are_said_to_be(tmp_path: Path, chromium: Browser) -> None:
    made = ReportFolder(tmp_path)
    gone = made.image("gone.jpg", found("cat", 0.9))
    changed = made.image("changed.jpg", found("cat", 0.9))
    made.ledger.close()
    gone.unlink()
    changed.write_bytes(changed.read_bytes() + b"\0")
    with open_results(made.out) as results:
        written = write_report(results, made.out / "report.html")
    assert (written.missing, written.changed) == (1, 1)
    with shown(chromium, written.target) as seen:
        assert seen.page.locator(".card img").count() == 0
        notes = ["The file is not where it was", "The file has changed since it was read"]
        for name, note in zip(("gone.jpg", "changed.jpg"), notes, strict=True):
            open_file(seen, name)
            assert note in seen.text("#about .note")
            assert seen.page.locator("#screen img, #about a").count() == 0
            seen.page.keyboard.press("Escape")
        seen.check()


def test_a_video_that_the_browser_cannot_play_shows_its_moments(tmp_path: Path, chromium: Browser) -> None:
    made = ReportFolder(tmp_path)
    made.clip("clip.avi")
    made.ledger.close()
    with open_results(made.out) as results:
        target = write_report(results, made.out / "report.html").target
    with shown(chromium, target) as seen:
        open_file(seen, "clip.avi")
        seen.page.wait_for_selector("#screen .notice")
        assert "cannot play" in seen.text("#screen .notice")
        seen.page.locator("#moments button").last.click()
        assert seen.page.locator("#screen img").evaluate("i => i.decode().then(() => i.naturalWidth)") == 160
        assert len(drawn(seen)) == 1
        seen.check()


def test_outlines_and_keypoints_are_drawn(tmp_path: Path, chromium: Browser) -> None:
    made = ReportFolder(tmp_path)
    box = found("person", 0.9, 20, 10, 100, 90).box
    ring = ((20.0, 10.0), (100.0, 50.0), (60.0, 90.0))
    joints = tuple(Keypoint(20 + 4 * n, 30, 0.9 if n else 0.1) for n in range(17))
    made.image("shape.jpg", Detection(Label("person", 0.9), box, None, (ring,), joints))
    made.ledger.close()
    with open_results(made.out) as results:
        target = write_report(results, made.out / "report.html").target
    with shown(chromium, target) as seen:
        open_file(seen, "shape.jpg")
        path = seen.page.locator("#screen path.box").get_attribute("d") or ""
        outline, *bones = path.split("Z")
        assert numbers(outline) == pytest.approx([20, 10, 100, 50, 60, 90], abs=0.01)
        assert bones[0].count("M") == 17  # COCO's skeleton has 19 bones; two of them end at the weak nose
        assert seen.page.locator("#screen circle").count() == 16
        set_threshold(seen, 0.95)
        assert seen.page.locator("#screen path, #screen circle").count() == 0
        seen.check()
