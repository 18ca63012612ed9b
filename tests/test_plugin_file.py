"""A plugin that is one file, used from its path: `-p ./my_plugin.py`."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint

import pytest

from mediaml.core.errors import PluginError
from mediaml.registry.entry_points import load_registry
from mediaml.registry.plugin_file import PluginFile, plugin_files
from tests.support.media.files import write_image

SOURCE = """
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mediaml.plugin import Label, Meta, ModelSpec, hookimpl


@dataclass(frozen=True)
class Options:
    limit: Annotated[int, Meta(ge=0, le=255)] = 50


class Brightness:
    def __init__(self, context):
        self.limit = context.options.limit

    def predict(self, frames):
        return [Label("bright" if frame.image.mean() > self.limit else "dark", 0.5) for frame in frames]


@hookimpl
def mediaml_models():
    yield ModelSpec("brightness", task="classify", load=Brightness, options=Options)
"""
LINE = 1 + SOURCE[: SOURCE.index("frame.image")].count("\n")
SECOND = SOURCE + '    yield ModelSpec("second", task="classify", load=Brightness, options=Options)\n'


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "my_plugin.py"
    path.write_text(SOURCE)
    write_image(tmp_path / "grey.png", 16, 16)  # of the level 90
    return path


def labels(folder):
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    return [row["labels"] for row in rows if "labels" in row]


@pytest.mark.parametrize(
    ("typed", "model"), [("a.py", ""), ("./a.py:x", "x"), ("C:\\b\\a.py:x", "x"), ("/b/a.py", "")]
)
def test_a_path_is_told_from_a_name(typed, model):
    file = PluginFile.parse(typed)
    assert file is not None
    assert file.path.is_absolute()
    assert file.model == model


@pytest.mark.parametrize("typed", ["yolo", "a.pyc", "yolo.py.onnx", ".py", "a.py:b/c"])
def test_a_name_is_no_path(typed):
    assert PluginFile.parse(typed) is None


@pytest.mark.parametrize("jobs", [(), ("--jobs", "0")])
def test_the_model_of_a_file_runs_in_worker_processes_too(mediaml, tmp_path, source, jobs):
    command = ("run", "-p", "./my_plugin.py", "grey.png", "-o", "out", *jobs)
    assert mediaml(*command).code == 0
    assert labels(tmp_path / "out") == [[{"label": "bright", "score": 0.5}]]
    assert mediaml(*command, "-O", "limit=100").code == 0
    assert labels(tmp_path / "out") == [[{"label": "dark", "score": 0.5}]]


def test_its_version_is_its_content(mediaml, tmp_path, source):
    command = ("run", "-p", "./my_plugin.py", "grey.png", "-o", "out")
    mediaml(*command)
    assert "already up to date" in mediaml(*command).err
    # The same size and, to the second, the same time: cached bytecode would still be the old one.
    source.write_text(SOURCE.replace("0.5", "0.7"))
    assert "already up to date" not in mediaml(*command).err
    assert labels(tmp_path / "out") == [[{"label": "bright", "score": 0.7}]]


def test_a_file_is_known_to_the_run_that_names_it_alone(mediaml, source):
    path = list(sys.path)
    assert mediaml("run", "-p", "./my_plugin.py", "grey.png", "-o", "out", "--jobs", "0").code == 0
    assert "no model 'brightness' is installed" in mediaml("plugins", "info", "brightness").err
    assert sys.path == path
    assert "my_plugin" not in sys.modules


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("frame.image.mean", "frame.imagine.mean"), f"my_plugin.py:{LINE}: AttributeError: 'Frame' object"),
        (("return [", "return [[]] + ["), "returned 2 results for 1 frames"),
    ],
)
def test_an_error_names_file_and_line(mediaml, source, change, said):
    source.write_text(SOURCE.replace(*change))
    done = mediaml("run", "-p", "./my_plugin.py", "grey.png", "-o", "out")
    assert done.code == 1
    assert said in done.err


@pytest.mark.parametrize(
    ("text", "typed", "said"),
    [
        (SOURCE, "./my_plugni.py", "my_plugni.py does not exist.\nmediaml: Did you mean 'my_plugin.py'?"),
        (SOURCE, "my_plugin.py:bright", "offers no model 'bright'.\nmediaml: Did you mean 'brightness'?"),
        (SECOND, "my_plugin.py", "Name one: -p my_plugin.py:brightness or -p my_plugin.py:second."),
        ("x = = 1", "my_plugin.py", "SyntaxError: invalid syntax (my_plugin.py, line 1)"),
        ("\nimport none_such", "my_plugin.py", "my_plugin.py:2: ModuleNotFoundError: No module named"),
        ("x = 1", "my_plugin.py", "no function `mediaml_models`"),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_run_with_4(mediaml, source, text, typed, said):
    source.write_text(text)
    done = mediaml("run", "-p", typed, "grey.png", "-o", "out")
    assert done.code == 4
    assert said in done.err
    assert "Traceback" not in done.err


def test_one_of_several_models_is_named(mediaml, tmp_path, source):
    source.write_text(SECOND)
    done = mediaml("run", "-p", "my_plugin.py:second", "-O", "limit=100", "grey.png", "-o", "out")
    assert done.code == 0
    assert labels(tmp_path / "out") == [[{"label": "dark", "score": 0.5}]]


def test_a_file_comes_before_what_is_installed(tmp_path, source):
    source.write_text(SOURCE.replace('"brightness"', '"yolo"'))
    registry = load_registry(files=[source])
    assert registry.find("yolo").plugin.from_file
    assert registry.find(str(source)).spec.name == "yolo"
    assert not load_registry().find("yolo").plugin.from_file


def test_two_files_of_one_name_are_refused(tmp_path, source):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/my_plugin.py").write_text(SOURCE)
    with pytest.raises(PluginError, match="same name"):
        plugin_files([str(source), str(tmp_path / "other/my_plugin.py")])
    assert plugin_files([str(source), f"{source}:brightness"]) == (source,)


def test_a_broken_file_leaves_the_others_alone(source):
    source.write_text("raise SystemExit(3)")
    point = EntryPoint("digits", "mediaml_digits", "mediaml")
    registry = load_registry([point], files=[source])
    assert registry.find("digits").spec.name == "digits"
    with pytest.raises(PluginError, match=r"my_plugin\.py:1: SystemExit: 3"):
        registry.find(str(source))
