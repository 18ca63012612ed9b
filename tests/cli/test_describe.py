"""`mediaml models describe`: what plugins say of a stranger's graph, printed and written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper, save

from tests.support.models import onnx_files as material
from tests.support.plugins.entry_points import registered_plugin

PLUGIN = """
from mediaml.plugin import ModelError, ModelSpec, Reading, hookimpl

def reader(family):
    def read(graph):
        if graph.path.with_suffix(".broken").exists():
            raise ModelError(f"{graph.path.name} has a broken neighbour.", "Remove it.")
        if graph.metadata.get("author") != "me":
            return []
        said = f"{graph.operators[0]} makes {graph.outputs[0].name} {graph.outputs[0].shape}"
        return [Reading(family, said, (("labels", "3, by count"),), f'family = "{family}"\\n')]
    return read

@hookimpl
def mediaml_models():
    for name in ("sorts", "ranks"):
        yield ModelSpec(name, task="classify", load=print, read_graph=reader(f"{name} things"))
"""


@pytest.fixture
def graph(tmp_path, monkeypatch):
    """A graph whose author is me, and two models that read such graphs."""
    nodes = [
        helper.make_node("Softmax", ["x"], ["raw"]),
        helper.make_node("Identity", ["raw"], ["y"]),
    ]
    sizes: list[int | str | None] = ["batch", 3]
    model = material.model(
        [("x", TensorProto.FLOAT, sizes)], [("y", TensorProto.FLOAT, sizes)], nodes, {"author": "me"}
    )
    save(model, tmp_path / "own graph.onnx")
    with registered_plugin(monkeypatch, tmp_path, "readers", PLUGIN):
        yield tmp_path / "own graph.onnx"


def test_readings_are_printed_with_reason_facts_and_command(graph: Path, mediaml) -> None:
    printed = mediaml("models", "describe", str(graph)).out
    assert "y float32 [?, 3] from Softmax" in printed
    assert "sorts things: Softmax makes y (None, 3)" in printed
    assert "  labels      3, by count\n" in printed
    assert f"mediaml run -p ranks -m '{graph}' INPUT" in printed


def test_a_description_is_written_once_and_never_over_another(graph: Path, mediaml) -> None:
    command = ("models", "describe", str(graph), "-p", "ranks", "--write")
    target = graph.with_suffix(".toml")
    assert str(target) in mediaml(*command).err
    assert target.read_text() == 'family = "ranks things"\n'
    again = mediaml(*command)
    assert again.code == 2 and f"{target} exists already" in again.err


def test_several_readings_are_not_chosen_from(graph: Path, mediaml) -> None:
    refused = mediaml("models", "describe", str(graph), "--write")
    assert refused.code == 2
    assert "several models read this graph: sorts, ranks." in refused.err
    assert "-p sorts --write" in refused.err and not graph.with_suffix(".toml").exists()


def test_a_refusal_of_a_model_is_shown(graph: Path, mediaml) -> None:
    graph.with_suffix(".broken").touch()
    shown = mediaml("models", "describe", str(graph), "-p", "sorts")
    assert shown.code == 0 and "sorts: own graph.onnx has a broken neighbour.\nRemove it." in shown.out


def test_a_graph_that_no_model_reads(graph: Path, mediaml, tmp_path: Path) -> None:
    save(material.doubling(), tmp_path / "other.onnx")
    described = mediaml("models", "describe", str(tmp_path / "other.onnx"), "-p", "sorts")
    assert described.code == 0 and "no installed model reads it" in described.out
    unwritten = mediaml("models", "describe", str(tmp_path / "other.onnx"), "-p", "sorts", "--write")
    assert unwritten.code == 2 and "nothing to write" in unwritten.err


def test_no_model_file(tmp_path: Path, mediaml) -> None:
    missing = mediaml("models", "describe", str(tmp_path / "none.onnx"))
    assert missing.code == 4 and "there is no model file" in missing.err
