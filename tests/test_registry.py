"""Plugins become records; a broken one is listed with its reason, and the others work."""

from __future__ import annotations

import base64
import hashlib
import importlib
import re
import sys
from importlib.metadata import EntryPoint

import pytest

from mediaml.core.errors import PluginError, UsageError
from mediaml.outputs.export.formats import find_format
from mediaml.registry.code_version import without_code
from mediaml.registry.entry_points import load_registry
from mediaml.registry.plugin_errors import describe_error
from tests.support.plugins.strangers import install_plugin

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
        ("import a_module_that_does_not_exist", "a_module_that_does_not_exist"),
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
def test_a_broken_plugin_is_listed_with_its_reason_and_the_others_work(plugin, source, reason):
    registry = load_registry([plugin("broken", source), plugin("fine", GOOD.format(name="fine"))])
    rows = {record.name: record for record in registry.records}
    assert reason in rows["broken"].problem
    assert not rows["broken"].specs
    assert registry.find("fine").spec.name == "fine"
    with pytest.raises(PluginError, match=r"(?s)broken.*cannot be used"):
        registry.find("broken")


def test_a_taken_name_stays_with_the_first_and_is_reported(plugin):
    registry = load_registry([plugin("a", GOOD.format(name="cats")), plugin("b", GOOD.format(name="cats"))])
    assert [record.name for record in registry.records if record.specs] == ["a"]
    assert "'cats' is already taken" in registry.records[1].problem


def test_every_taken_name_is_reported_and_the_rest_is_kept(plugin):
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
        "the model name 'cats' is already taken by plugin_under_test_a; "
        "the model 'yolov3' is already in the catalogue, by mediaml"
    )


OUTPUT = """
from mediaml.plugin import OutputSpec, hookimpl

@hookimpl
def mediaml_outputs():
    yield OutputSpec("{name}", "a table", ".tsv", write=lambda results, target: None)
"""


def test_a_plugin_may_offer_outputs_alone(plugin):
    registry = load_registry([plugin("a", OUTPUT.format(name="tsv")), plugin("b", OUTPUT.format(name="tsv"))])
    assert [output.suffix for output in registry.outputs()] == [".tsv"]
    assert find_format("tsv", registry).description == "a table"
    assert registry.records[1].problem == "the output name 'tsv' is already taken by plugin_under_test_a"
    with pytest.raises(UsageError, match=r"no output format 'TSV2'\.\nDid you mean 'tsv'"):
        find_format("TSV2", registry)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("yield OutputSpec", "yield str"), "TypeError"),
        (('".tsv"', '"tsv/"'), "suffix"),
        (("{name}", "A Table"), "lower-case"),
        (("write=lambda results, target: None", "write=3"), "callable"),
        (("import OutputSpec", "import Label as OutputSpec"), "TypeError"),
    ],
)
def test_a_broken_output_is_listed_with_its_reason(plugin, change, reason):
    [record] = load_registry([plugin("broken", OUTPUT.replace(*change).format(name="tsv"))]).records
    assert reason in record.problem
    assert not record.outputs


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("yolp", "Did you mean 'yolo'?"),
        ("YOLO", "Did you mean 'yolo'?"),
        ("Spokn", "Did you mean 'spoken'?"),
        ("yolo,digits", "Give each model its own -p: -p yolo -p digits."),
        ("YOLO, digits", "Give each model its own -p: -p yolo -p digits."),
        ("yolo digits", "Give each model its own -p: -p yolo -p digits."),
        ("yolov8n.onnx", "a file goes to -m, for example: -p yolo -m yolov8n.onnx"),
        (
            "qqqq",
            "Installed: classify, clip, detect, digits, embed, financial, listen, spoken, transform, yolo.",
        ),
    ],
)
def test_an_unknown_model_gets_the_right_hint(typed, hint):
    with pytest.raises(PluginError) as caught:
        load_registry().find(typed)
    assert caught.value.message == f"no model {typed!r} is installed."
    assert hint in caught.value.hint


def test_code_that_was_changed_is_part_of_the_version(tmp_path, monkeypatch):
    site = install_plugin(tmp_path / "site", "patchy", GOOD.format(name="patchy"))
    monkeypatch.syspath_prepend(site)
    code = site / "patchy_plugin.py"
    first = version_of("patchy")
    assert re.fullmatch(r"1\.0\+code\.[0-9a-f]{8}", first)
    assert version_of("patchy") == first
    code.write_text(code.read_text() + "# a change\n")
    assert version_of("patchy") not in ("1.0", first)
    assert without_code(first) == without_code(version_of("patchy")) == "1.0"


def test_code_that_is_as_it_was_installed_has_the_version_of_its_package(tmp_path, monkeypatch):
    site = install_plugin(tmp_path / "site", "wheely", GOOD.format(name="wheely"))
    monkeypatch.syspath_prepend(site)
    code = site / "wheely_plugin.py"
    checksum = base64.urlsafe_b64encode(hashlib.sha256(code.read_bytes()).digest()).decode().rstrip("=")
    information = site / "wheely-1.0.dist-info"
    (information / "RECORD").write_text(f"wheely_plugin.py,sha256={checksum},{code.stat().st_size}\n")
    assert version_of("wheely") == "1.0"
    (information / "direct_url.json").write_text('{"url": "file:///x", "dir_info": {"editable": true}}')
    assert version_of("wheely") != "1.0"
    (information / "direct_url.json").unlink()
    code.write_text(code.read_text() + "# edited in place\n")
    assert version_of("wheely") != "1.0"


def test_versions_with_a_local_part_keep_it():
    assert without_code("1.0+cu13.code.ab12cd34") == "1.0+cu13"
    assert without_code("1.0+cu13") == "1.0+cu13"


def version_of(name: str) -> str:
    [record] = [record for record in load_registry().records if record.name == name]
    assert not record.problem
    return record.version


def test_an_error_is_placed_at_the_innermost_line_of_the_package(tmp_path, monkeypatch):
    package = tmp_path / "placed" / "deep"
    package.mkdir(parents=True)
    (tmp_path / "placed/__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "models.py").write_text("import json\n\ndef predict():\n    json.loads('{')\n")
    monkeypatch.syspath_prepend(tmp_path)
    predict = importlib.import_module("placed.deep.models").predict
    with pytest.raises(ValueError) as caught:
        predict()
    expected = r"placed/deep/models\.py:4: JSONDecodeError: Expecting property name .*"
    assert re.fullmatch(expected, describe_error(caught.value, ["placed.deep.models:Plugin"]))
    assert describe_error(caught.value, ["json.decoder"]).startswith("json/decoder.py:")
    assert describe_error(caught.value, ["not_installed"]).startswith("JSONDecodeError: ")
    assert describe_error(PluginError("as written", "hint"), ["placed"]) == "as written\nhint"
    assert describe_error(KeyError(), []) == "KeyError"
