"""The command line, called in this process or in one of its own, and what it writes."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended: exit code and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str


def results(folder: Path) -> list[dict[str, object]]:
    """The lines of an output folder's `results.jsonl`."""
    return [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def call(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that must succeed, run in a folder with further environment variables."""
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
