"""The public door for plugin authors: what it exports, what `dir()` shows, and what docs/plugins.md lists."""

from __future__ import annotations

import re

import mediaml.plugin
import mediaml.testing
from mediaml.registry.hooks import Hooks
from scripts.paths import REPOSITORY

PAGE = (REPOSITORY / "docs/plugins.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[str]:
    """The first cell of every row of the table below a heading."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)


def test_all_names_are_shown_and_documented():
    listed = [name for cell in rows("The names") for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(listed) == sorted(mediaml.plugin.__all__) == sorted(dir(mediaml.plugin))


def test_all_names_exist_and_say_what_they_are():
    for name in mediaml.plugin.__all__:
        assert getattr(mediaml.plugin, name) is not None, name


def test_all_helpers_for_tests_are_documented():
    assert sorted(cell.strip("`") for cell in rows("Testing")) == sorted(mediaml.testing.__all__)
    assert all(getattr(mediaml.testing, name).__doc__ for name in mediaml.testing.__all__)


def test_all_hooks_are_documented():
    hooks = [name for name in vars(Hooks) if name.startswith("mediaml_")]
    assert [cell.strip("`") for cell in rows("The hooks")] == hooks


def test_graphs_of_one_plugin_are_not_part_of_it():
    assert not {"DetectorGraph", "detector_graph", "GROUP", "hookspec"} & set(vars(mediaml.plugin))
