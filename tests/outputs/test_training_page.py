"""The page of a training in Chromium, from disk: figures, curves, pictures, hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from mediaml.core.media import Kind
from mediaml.outputs.training import write_training_page
from mediaml.teach.calibration import softmax
from mediaml.teach.facts import report_record
from mediaml.teach.forecast import Forecast
from mediaml.teach.records import Answered, Measured, TrainingReport
from mediaml.teach.scores import scores_of
from tests.support.browser import browser, shown

HOSTILE = "<img src=x onerror=hacked=1>"
CURVE = ((8.0, 0.6), (20.0, 0.7), (40.0, 0.76))


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as chromium:
        yield chromium


def report() -> TrainingReport:
    random = np.random.default_rng(2)
    label = np.arange(60) % 2
    logits = random.normal(size=(60, 2))
    logits[np.arange(60), label] += 1.2
    scores = scores_of(softmax(logits), label, (HOSTILE, "b"), 0.6, 60)
    answers = (
        Answered(f"set/{HOSTILE}.png", Path("/a.png"), Kind.IMAGE, 0.0, HOSTILE, "b", 0.91, 0.09),
        Answered("set/c.mp4", Path("/c.mp4"), Kind.VIDEO, 3.2, "b", "b", 0.55, 0.55),
    )
    tested = Measured(scores, answers)
    return TrainingReport(
        output=Path("two.onnx"),
        backbone="backbone",
        kind=Kind.IMAGE,
        labels=(HOSTILE, "b"),
        counts={HOSTILE: 30, "b": 30},
        copies=120,
        folds=5,
        validated=tested,
        evaluated=tested,
        curve=CURVE,
        forecast=Forecast(80, 0.8, 0.04),
        temperature=1.0,
        strength=0.1,
        threshold=0.6,
        notes=(f"a note on {HOSTILE}",),
        failed=((f"set/{HOSTILE}.jpg", "it is cut off"),),
        seconds=3.0,
        seed=0,
    )


@pytest.mark.parametrize("width", [1280, 400])
def test_a_training_is_shown(tmp_path: Path, opened: Browser, width: int) -> None:
    made = report()
    record = report_record(made)
    for name in ("validated", "evaluated"):
        record[name]["shown"] = [
            {
                "file": one.file,
                "time": None if one.kind is Kind.IMAGE else one.time_s,
                "label": one.label,
                "answer": one.answer,
                "score": one.score,
                "own": one.own,
                "picture": "",
            }
            for one in made.validated.answers
        ]
    write_training_page(tmp_path / "two.html", record)
    with shown(opened, tmp_path / "two.html", width=width) as tab:
        page = tab.page
        page.wait_for_selector("html[data-ready=true]")
        assert page.title() == "two.onnx · mediaml train"
        text = page.inner_text("main")
        assert f"{100 * made.validated.scores.accuracy:.1f} %" in text
        assert "Learning curve: +4.0 points expected at 80 per class" in text
        assert "set/c.mp4" in page.content()
        assert "c.mp4 at 3.2 s" in text
        assert HOSTILE in text
        assert page.locator(".plot canvas").count() == 7
        assert page.locator("table.matrix").count() == 2
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.said == []
    assert all(url.startswith("file:") for url in tab.asked)
