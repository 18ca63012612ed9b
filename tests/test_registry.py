"""Plugins become records; a broken one is a row with its reason and harms nobody else."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from mediaml.core.errors import PluginError
from mediaml.registry.entry_points import load_registry

GOOD = """
from mediaml.plugin import ModelSpec, hookimpl

@hookimpl
def mediaml_models():
    yield ModelSpec("{name}", task="classify", load=lambda context: None)
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a module and give its entry point."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name: str, source: str) -> EntryPoint:
        module = f"plugin_under_test_{name}"
        (tmp_path / f"{module}.py").write_text(source)
        made.append(module)
        return EntryPoint(name, module, "mediaml")

    yield make
    for module in made:
        sys.modules.pop(module, None)


def test_bundled_plugins_come_in_by_the_same_door():
    assert load_registry().find("yolo").plugin.distribution == "mediaml"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_module_that_nobody_has", "a_module_that_nobody_has"),
        ("raise RuntimeError('out of order')", "RuntimeError: out of order"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "no function `mediaml_models`"),
        (GOOD.format(name="x").replace("mediaml_models", "mediaml_modles"), "mediaml_modles"),
        (GOOD.format(name="Not A Name"), "lower-case"),
        (GOOD.format(name="x").replace("yield ModelSpec", "yield str"), "str"),
        (GOOD.format(name="x").replace("():", "(surprise):"), "surprise"),
    ],
)
def test_a_broken_plugin_is_a_row_with_its_reason_and_harms_nobody(plugin, source, reason):
    registry = load_registry([plugin("broken", source), plugin("fine", GOOD.format(name="fine"))])
    rows = {record.name: record for record in registry.records}
    assert reason in rows["broken"].problem
    assert not rows["broken"].specs
    assert registry.find("fine").spec.name == "fine"
    with pytest.raises(PluginError, match=r"(?s)broken.*cannot be used"):
        registry.find("broken")


def test_a_taken_name_stays_with_the_first_and_is_told(plugin):
    registry = load_registry([plugin("a", GOOD.format(name="cats")), plugin("b", GOOD.format(name="cats"))])
    assert [record.name for record in registry.records if record.specs] == ["a"]
    assert "'cats' is already taken" in registry.records[1].problem


def test_all_that_is_taken_of_a_plugin_is_told_and_the_rest_is_kept(plugin):
    greedy = """
from mediaml.plugin import CatalogueEntry, CatalogueFile, ModelSpec, hookimpl

@hookimpl
def mediaml_models():
    for name in ("cats", "mice"):
        yield ModelSpec(name, task="classify", load=lambda context: None)

@hookimpl
def mediaml_catalogue():
    for name in ("yolov3", "mouse-net"):
        yield CatalogueEntry(name, "a net", "MIT", (CatalogueFile("net.onnx"),))
"""
    _, record = load_registry([plugin("a", GOOD.format(name="cats")), plugin("b", greedy)]).records
    assert [spec.name for spec in record.specs] == ["mice"]
    assert [entry.name for entry in record.entries] == ["mouse-net"]
    assert record.problem == (
        "the name 'cats' is already taken by plugin_under_test_a; "
        "the model 'yolov3' is already in the catalogue, by mediaml"
    )


def test_an_unknown_plugin_gets_a_suggestion():
    with pytest.raises(PluginError, match="Did you mean 'yolo'"):
        load_registry().find("yolp")
