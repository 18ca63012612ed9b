"""The golden run of CLIP: it says plainly when it did not run, and tells random weights from real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.paths import REPOSITORY
from tests.support.plugins.clip import small_clip


def run(tmp_path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MEDIAML_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "scripts.clip_golden", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=REPOSITORY
    )


def test_without_weights_it_is_not_run(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 2 and done.stdout.startswith("NOT RUN: the real weights"), done.stderr


def test_random_weights_do_not_pass(tmp_path, assets):
    done = run(tmp_path, small_clip(tmp_path / "clip", assets))
    assert done.returncode == 1 and done.stdout.count("FAILED") == 3, done.stderr
