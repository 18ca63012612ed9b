"""`mediaml plugins new`: what it writes works, is typed and clean, and mistakes are said."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mediaml.authoring.new import TASKS, package_of, write_plugin
from mediaml.core.errors import UsageError
from scripts.paths import REPOSITORY
from tests.support.media.files import write_image, write_sound
from tests.support.plugins.distribution import installed_from


def in_folder(folder, *command):
    """Run a Python module in the folder of a distribution that is on the module path."""
    path = os.pathsep.join([str(folder), str(REPOSITORY), str(REPOSITORY / "plugins")])
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "MYPYPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("task", TASKS)
def test_a_new_plugin_passes_its_own_test(tmp_path, task):
    folder = tmp_path / "made"
    files = write_plugin("my-first", task, folder)
    assert {str(path) for path in files} == {
        "README.md",
        "make_model.py",
        "mediaml_my_first/__init__.py",
        "mediaml_my_first/model.onnx",
        "mediaml_my_first/model.py",
        "mediaml_my_first/py.typed",
        "pyproject.toml",
        "tests/test_model.py",
    }
    assert "$" not in "".join(path.read_text() for path in folder.rglob("*.py"))
    assert " passed" in in_folder(folder, "pytest", "-q", "-p", "no:cacheprovider", "-n", "0")


def test_new_plugins_are_typed_and_clean(tmp_path):
    """One call for all of them, each in a package of its own."""
    for task in TASKS:
        write_plugin(task, task, tmp_path / task)
        in_folder(
            tmp_path / task, "ruff", "check", "--isolated", "--line-length=110", "--select=E,F,I,UP,B,N", "."
        )
        in_folder(tmp_path / task, "ruff", "format", "--isolated", "--line-length=110", "--check", ".")
    modules = [str(tmp_path / task / f"mediaml_{task}") for task in TASKS]
    assert "Success" in in_folder(
        tmp_path, "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *modules
    )


@pytest.mark.parametrize("task", TASKS)
def test_a_new_plugin_runs_and_holds_all_checks(mediaml, tmp_path, monkeypatch, task):
    assert mediaml("plugins", "new", f"my-{task}", "--task", task, "-o", "made").code == 0
    with installed_from(tmp_path / "made", monkeypatch):
        write_image(tmp_path / "grey.png", 64, 48)
        write_sound(tmp_path / "tone.wav", seconds=1.5)
        source = "tone.wav" if task == "audio" else "grey.png"
        run = mediaml("run", "-p", f"my-{task}", source, "-o", "out", "--jobs", "0")
        assert run.code == 0, run.err
        checked = mediaml("plugins", "check", f"my-{task}")
        assert checked.code == 0, checked.out


@pytest.mark.parametrize("name", ["", "-x", "x-", "Cats", "a.b", "a/b", "../x", "a b", "é", "a" * 41, "x\n"])
def test_names_that_cannot_be(name, tmp_path):
    with pytest.raises(UsageError, match="cannot be the name of a plugin"):
        write_plugin(name, "classify", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_hint_gives_a_name_that_can_be():
    with pytest.raises(UsageError, match=r"mediaml plugins new my-cats$"):
        package_of("My Cats!")
    assert package_of("my-cats_2") == "mediaml_my_cats_2"


def test_what_stands_in_the_way_is_said(mediaml, tmp_path):
    done = mediaml("plugins", "new", "yolo")
    assert (done.code, "a model 'yolo' is installed, by mediaml." in done.err) == (2, True)
    (tmp_path / "mediaml-cats").mkdir()
    done = mediaml("plugins", "new", "cats")
    assert (done.code, "mediaml-cats exists already." in done.err) == (2, True)
    (tmp_path / "file").touch()
    done = mediaml("plugins", "new", "cats", "-o", "file/below")
    assert (done.code, "cannot be written" in done.err) == (2, True)
    done = mediaml("plugins", "new", "cats", "--task", "detection")
    assert done.code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mediaml-cats"]
