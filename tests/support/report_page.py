"""A written report as a file and in a browser: its facts, its columns, its controls."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.paths import REPOSITORY
from tests.support.browser import Shown

PICTURES = REPOSITORY / "out" / "report"
"""Where screenshots of the tests are left for people to look at; not in the repository."""
LOADED = "v => v.readyState >= 2 || new Promise(done => v.addEventListener('loadeddata', done))"
"""Script of a video element: waits until its picture is there."""
_TYPES = {"B": "<u1", "H": "<u2", "I": "<u4", "f": "<f4"}


def facts(page: Path) -> dict[str, Any]:
    """The facts in a page."""
    (text,) = re.findall(
        r'<script type="application/json" id="facts">(.*?)</script>', page.read_text("utf-8")
    )
    values: dict[str, Any] = json.loads(text)
    return values


def columns(page: Path) -> dict[str, NDArray[Any]]:
    """The columns in a page, by their names."""
    pattern = r'data-name="(\w+)" data-type="(\w)">([^<]*)</script>'
    found = re.findall(pattern, page.read_text("utf-8"))
    return {name: np.frombuffer(base64.b64decode(text), _TYPES[code]) for name, code, text in found}


def set_threshold(report: Shown, value: float) -> None:
    """Move the threshold, as a drag of its slider does."""
    report.page.locator("#threshold").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
    )
    report.settle()


def counts(report: Shown, selector: str = "#classes") -> dict[str, int]:
    """Names and numbers in one of the lists of filters."""
    rows = report.page.locator(f"{selector} .name").all()
    numbers = report.page.locator(f"{selector} .number").all()
    return {name.inner_text(): int(number.inner_text()) for name, number in zip(rows, numbers, strict=True)}
