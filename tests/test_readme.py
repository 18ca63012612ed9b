"""The README's commands, run as they stand there, with the model that ships.

`scripts/test` is what runs this test; `pip install .` is run by `test_third_party.py` through the wheel.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.paths import REPOSITORY

CLIP = REPOSITORY / "tests" / "media" / "demo.mp4"
BIN = Path(sys.prefix) / "bin"


def call(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_first_command_of_the_readme(tmp_path):
    shutil.copy(CLIP, tmp_path / "video.mp4")
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "\nmediaml run --plugin yolo video.mp4\n" in readme
    done = call([str(BIN / "mediaml"), "run", "--plugin", "yolo", "video.mp4"], tmp_path)
    assert "results: mediaml-out/results.jsonl" in done.stderr
    lines = (tmp_path / "mediaml-out" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 151
    assert (tmp_path / "mediaml-out" / "video.annotated.mp4").stat().st_size > 100_000


def test_the_demo_finds_things_in_the_clip_that_ships():
    done = call(["scripts/demo"], REPOSITORY, VENV=sys.prefix)
    assert "demo.annotated.mp4" in done.stdout
    lines = (REPOSITORY / "out" / "demo" / "results.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    found = {box["label"] for line in lines for box in json.loads(line)["detections"]}
    assert "person" in found
