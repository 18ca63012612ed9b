"""The wheel in a fresh venv, a stranger's plugin beside it, and what happens when that plugin breaks.

This is the one test that installs: it builds the wheel and the sdist, makes a venv with nothing but the
wheel, its dependencies and the tutorial's plugin, and runs the commands as a user would, from another folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.paths import REPOSITORY
from scripts.square_finder import save_square_finder
from tests.support.media.files import write_image, write_sound, write_video

PLUGIN = REPOSITORY / "tests" / "third_party" / "mediaml-tint"


def call(*command: object, cwd: Path, code: int = 0, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with `venv`, where wheel and plugin are installed, and media of every kind in `in`."""
    folder = tmp_path_factory.mktemp("place")
    call(sys.executable, "-m", "build", "--outdir", folder / "dist", REPOSITORY, cwd=folder)
    wheel = next((folder / "dist").glob("*.whl"))
    call(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    call(*pip, wheel, PLUGIN, cwd=folder)
    (folder / "in").mkdir()
    write_image(folder / "in/photo.png", 64, 48)
    write_video(folder / "in/clip.mp4", frames=20, width=64, height=48)
    write_sound(folder / "in/tone.wav", seconds=2.5)
    return folder


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def test_one_wheel_holds_package_plugins_and_models(place):
    names = zipfile.ZipFile(next((place / "dist").glob("*.whl"))).namelist()
    assert "mediaml/plugin.py" in names
    assert "mediaml/outputs/results.schema.json" in names
    for folder in sorted((REPOSITORY / "plugins").iterdir()):
        assert f"{folder.name}/__init__.py" in names
    for model in sorted((REPOSITORY / "exported_models").glob("*.onnx")):
        assert f"mediaml/exported_models/{model.name}" in names
    assert not [name for name in names if name.startswith(("tests/", "scripts/"))]


def test_the_strangers_models_run_on_image_video_and_sound(place):
    mediaml = place / "venv/bin/mediaml"
    listed = call(mediaml, "plugins", "list", cwd=place)
    assert "mediaml-tint 1.0" in listed
    assert "how many colours to name" in call(mediaml, "plugins", "info", "tint", cwd=place)
    call(mediaml, "run", "-p", "tint", "-p", "loudness", "-O", "tint.top=2", "in", "-o", "out", cwd=place)
    first, *rest = lines(place / "out")
    assert {model["distribution"] for model in first["run"]["models"]} == {"mediaml-tint"}
    seen = {(line["source"], line["model"]): len(line["labels"]) for line in rest}
    assert seen == {("in/photo.png", "tint"): 2, ("in/clip.mp4", "tint"): 2, ("in/tone.wav", "loudness"): 1}
    assert sum(line["source"] == "in/clip.mp4" for line in rest) == 20


def test_breaking_it_on_purpose_breaks_nothing_else(place):
    mediaml = place / "venv/bin/mediaml"
    module = next((place / "venv").glob("lib/*/site-packages/mediaml_tint/__init__.py"))
    sound = module.read_text()
    model = save_square_finder(place / "square.onnx")
    try:
        module.write_text("raise RuntimeError('broken on purpose')\n" + sound)
        assert "broken on purpose" in call(mediaml, "plugins", "list", cwd=place)
        call(mediaml, "run", "-p", "yolo", "-m", model, "in/photo.png", "-o", "out2", cwd=place)
        said = call(mediaml, "run", "-p", "tint", "in/photo.png", "-o", "out3", cwd=place, code=4)
        assert "broken on purpose" in said
        assert "Traceback" not in said
    finally:
        module.write_text(sound)


def test_the_tutorial_leads_from_nothing_to_a_checked_plugin(place):
    """Every command of docs/plugin-tutorial.md, in order, in an empty folder."""
    text = (REPOSITORY / "docs/plugin-tutorial.md").read_text(encoding="utf-8")
    commands = "".join(re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)).splitlines()
    [(name, source)] = re.findall(r"`([\w.]+)`:\n\n```python\n(.*?)```", text, flags=re.DOTALL)
    folder = place / "tutorial"
    folder.mkdir()
    shutil.copy(place / "in/photo.png", folder)
    (folder / name).write_text(source, encoding="utf-8")
    path = os.pathsep.join([str(place / "venv/bin"), os.environ["PATH"]])
    said = [call("bash", "-c", command, cwd=folder, PATH=path, PYTHONPATH="") for command in commands]
    assert len(said) == 11
    assert "2 passed" in said[commands.index("pytest -q mediaml-cats")]
    checks = [out for command, out in zip(commands, said, strict=True) if "plugins check" in command]
    assert [out.splitlines()[-1].endswith(" 0 failed") for out in checks] == [True] * 3
    labels = {line["model"]: line["labels"] for line in lines(folder / "out")[1:]}
    assert labels["bright"] == [{"label": "dark", "score": 1.0}] and labels["cats"]
    # The rows that the page shows are rows of the table.
    shown = re.search(r"```\n(check .*?)```", text, flags=re.DOTALL)
    assert shown is not None
    names = {row.split("  ")[0] for row in checks[0].splitlines()}
    assert {row.split("  ")[0] for row in shown[1].splitlines()} - {"..."} <= names
