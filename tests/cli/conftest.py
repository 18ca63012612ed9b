"""A command line to call, and media with a known truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from mediaml.cli.main import run_cli
from tests.support.models.files import save_square_finder


@dataclass(frozen=True)
class Said:
    """What a command ended with."""

    code: int
    out: str
    err: str


@pytest.fixture
def mediaml(capfd, monkeypatch, tmp_path):
    """Call `mediaml` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Said:
        code = run_cli([str(argument) for argument in arguments])
        return Said(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def square_finder(tmp_path_factory) -> Path:
    """An ONNX detector that finds the white square, to the pixel."""
    return save_square_finder(tmp_path_factory.mktemp("models") / "square.onnx")


def results(folder: Path) -> list[dict[str, object]]:
    """The lines of `results.jsonl`."""
    return [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]
