"""A distribution in a folder, seen by this process as if it were installed in place."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path

import pytest

import mediaml.registry.entry_points


@contextmanager
def installed_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the plugins that the folder's `pyproject.toml` names."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = [EntryPoint(name, module, "mediaml") for name, module in project["entry-points"]["mediaml"].items()]
    monkeypatch.syspath_prepend(folder)

    def registered(group: str) -> list[EntryPoint]:
        installed: EntryPoints = entry_points(group=group)
        return [*installed, *own]

    monkeypatch.setattr(mediaml.registry.entry_points, "entry_points", registered)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in {point.value for point in own}]:
            del sys.modules[name]
