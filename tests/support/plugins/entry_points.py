"""Plugins whose source a test writes, seen by this process alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path

import pytest

import mediaml.registry.entry_points


@contextmanager
def registered_plugin(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, source: str
) -> Iterator[None]:
    """Write `source` as a module into `folder` and register it as the plugin `name`."""
    module = f"{name}_under_test"
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)

    def registered(group: str) -> list[EntryPoint]:
        installed: EntryPoints = entry_points(group=group)
        return [*installed, EntryPoint(name, module, "mediaml")]

    monkeypatch.setattr(mediaml.registry.entry_points, "entry_points", registered)
    try:
        yield
    finally:
        sys.modules.pop(module, None)
