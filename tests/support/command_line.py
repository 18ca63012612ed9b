"""The command line, called in this process, and what it writes."""

from __future__ import annotations

import json
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
