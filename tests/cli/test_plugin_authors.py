"""What the author of a plugin meets: errors by file and line, tracebacks on request, changed code noticed."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.media.files import write_image
from tests.support.plugins.strangers import install_plugin

MODEL = """
from mediaml.plugin import Label, ModelSpec, hookimpl

class Brittle:
    def predict(self, frames):
        for frame in frames:
            yield Label("wide", 1 / (frame.width - 32))

@hookimpl
def mediaml_models():
    yield ModelSpec("brittle", task="classify", load=lambda context: {load})
"""
STAGED = """
from mediaml.plugin import Label, ModelSpec, hookimpl

class Brittle:
    def prepare(self, frame):
        {prepare}

    def run(self, batch):
        {run}

    def decode(self, outputs, frames):
        {decode}

    def predict(self, frames):
        raise NotImplementedError

@hookimpl
def mediaml_models():
    yield ModelSpec("brittle", task="classify", load=lambda context: Brittle())
"""
STAGES = {
    "prepare": "return __import__('numpy').zeros(3)",
    "run": "return [batch]",
    "decode": "return [Label('x', 1.0) for _ in frames]",
}


@pytest.fixture
def brittle(tmp_path, monkeypatch):
    """Install a plugin `brittle` from its source; gives its file."""

    def install(source: str):
        monkeypatch.syspath_prepend(install_plugin(tmp_path / "site", "brittle", source))
        (tmp_path / "in").mkdir()
        write_image(tmp_path / "in" / "narrow.png", 32, 16)
        write_image(tmp_path / "in" / "wide.png", 64, 16)
        return tmp_path / "site" / "brittle_plugin.py"

    yield install
    sys.modules.pop("brittle_plugin", None)


RUN = ("run", "-p", "brittle", "in", "-o", "out", "--device", "cpu")


def failures(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "out/failures.jsonl").read_text().splitlines()]


def test_a_failure_names_file_and_line_of_the_plugin(mediaml, brittle, tmp_path):
    brittle(MODEL.format(load="Brittle()"))
    said = mediaml(*RUN)
    assert said.code == 1
    assert "brittle_plugin.py:7: ZeroDivisionError: division by zero" in said.err
    assert "Traceback" not in said.err
    [failure] = failures(tmp_path)
    assert failure["source"].endswith("narrow.png")
    assert (failure["type"], failure["stage"]) == ("ZeroDivisionError", "infer")
    assert failure["message"] == "brittle_plugin.py:7: ZeroDivisionError: division by zero"


@pytest.mark.parametrize(("stage", "line"), [("prepare", 6), ("run", 9), ("decode", 12)])
def test_every_stage_is_named_by_its_line(mediaml, brittle, tmp_path, stage, line):
    brittle(STAGED.format(**STAGES | {stage: "return [][1]"}))
    assert mediaml(*RUN).code == 1
    messages = {failure["message"] for failure in failures(tmp_path)}
    assert messages == {f"brittle_plugin.py:{line}: IndexError: list index out of range"}


def test_debug_shows_the_traceback(mediaml, brittle):
    brittle(MODEL.format(load="Brittle()"))
    said = mediaml(*RUN, "--debug")
    assert "Traceback (most recent call last):" in said.err
    assert "in predict" in said.err


def test_a_load_that_fails_names_the_line_and_ends_with_4(mediaml, brittle):
    brittle(MODEL.format(load="[][1]"))
    said = mediaml(*RUN)
    assert said.code == 4
    assert "model 'brittle' failed to load: brittle_plugin.py:11: IndexError: list index" in said.err
    assert "Traceback" not in said.err
    assert "Traceback" in mediaml(*RUN, "--debug").err


def test_an_import_that_fails_names_the_line(mediaml, brittle):
    brittle("import json\njson.loads('{')\n")
    said = mediaml("run", "-p", "brittle", "in")
    assert said.code == 4
    assert "cannot be used: brittle_plugin.py:2: JSONDecodeError: Expecting property name" in said.err


def test_changed_code_is_noticed_as_stale(mediaml, brittle):
    code = brittle(MODEL.format(load="Brittle()").replace("frame.width - 32", "frame.width"))
    assert mediaml(*RUN).code == 0
    assert "done" in mediaml(*RUN, "--dry-run").out
    code.write_text(code.read_text() + "# changed\n")
    assert stale(mediaml) == 2
    assert "plugin code changed" in mediaml(*RUN, "--dry-run").out
    assert mediaml(*RUN).code == 0
    assert "plugin code changed" not in mediaml(*RUN, "--dry-run").out
    assert stale(mediaml) == 0


def stale(mediaml):
    """Number of sources that `status` calls stale."""
    (row,) = json.loads(mediaml("status", "out", "--json").out)["models"]
    return row["stale"]
