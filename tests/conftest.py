"""Fixtures that every test may use."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from mediaml.onnx.runtime import disable_telemetry
from scripts.paths import find_assets
from scripts.square_finder import save_square_finder
from tests.support.command_line import CommandResult
from tests.support.requirements import not_available

# The test modules import ONNX Runtime themselves.
disable_telemetry()
# The same examples every time, and no stopwatch: a test must not fail because the machine is busy.
settings.register_profile("mediaml", deadline=None, derandomize=True)
settings.load_profile("mediaml")
# A shell without job control starts what it puts in the background with Ctrl-C ignored, and children inherit
# that: the tests that interrupt a run would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def unwrapped_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are not wrapped to the terminal that the tests happen to run in."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The shared assets; a skip with a reason where they are absent, a failure under CI."""
    folder = find_assets()
    if folder is None:
        not_available("no shared assets: set MEDIAML_ASSETS or put `shared` beside the checkout")
    return folder


@pytest.fixture
def mediaml(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., CommandResult]:
    """Call `mediaml` in this process, in a folder of its own."""
    from mediaml.cli.main import run_cli

    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> CommandResult:
        code = run_cli([str(argument) for argument in arguments])
        return CommandResult(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def square_finder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX detector that finds the white square, to the pixel."""
    return save_square_finder(tmp_path_factory.mktemp("models") / "square.onnx")
