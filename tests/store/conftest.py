"""Fixtures for the tests of the model store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Site, serving


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serving() as served:
        yield served
