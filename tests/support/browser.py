"""A Chromium that shows pages from disk, and what it reports of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.requirements import program

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium; a skip where it is not installed, a failure under CI."""
    path = program(*BROWSERS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield opened
        finally:
            opened.close()


@dataclass(slots=True)
class Shown:
    """A page in a tab.

    Attributes:
        page: to drive. said: console messages and errors of the page. asked: every URL that was requested.
    """

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        """The text of the first element, spaces made plain."""
        return " ".join((self.page.locator(selector).first.inner_text()).split())

    def check(self) -> None:
        """Nothing was said in the console, and nothing asked of the network."""
        assert self.said == []
        assert {url.partition(":")[0] for url in self.asked} == {"file"}

    def settle(self) -> None:
        """Wait until what was changed is painted."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )


@contextmanager
def shown(
    opened: Browser,
    path: Path,
    width: int = 1400,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[Shown]:
    """A report from disk, ready; the network is off."""
    context = opened.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    seen = Shown(page)
    page.on("console", lambda message: seen.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.said.append(f"error: {error}"))
    page.on("request", lambda request: seen.asked.append(request.url))
    try:
        page.goto(path.absolute().as_uri())
        page.wait_for_selector("html[data-ready]", timeout=20_000, state="attached")
        seen.settle()
        yield seen
    finally:
        context.close()
