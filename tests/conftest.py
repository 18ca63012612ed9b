"""Fixtures that every test may use."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from mediaml.onnx.runtime import disable_telemetry

# The test modules import ONNX Runtime themselves.
disable_telemetry()
# The same examples every time, and no stopwatch: a test must not fail because the machine is busy.
settings.register_profile("mediaml", deadline=None, derandomize=True)
settings.load_profile("mediaml")
# A shell without job control starts what it puts in the background with Ctrl-C ignored, and children inherit
# that: the tests that interrupt a run would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent


def find_assets() -> Path | None:
    """The shared assets: where `MEDIAML_ASSETS` points, or `shared` beside the checkout."""
    named = os.environ.get("MEDIAML_ASSETS")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    return folder if (folder / "models").is_dir() else None


@pytest.fixture(autouse=True)
def unwrapped_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are not wrapped to the terminal that the tests happen to run in."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The shared assets; a skip with a reason where they are absent, a failure under CI."""
    folder = find_assets()
    if folder is None:
        reason = "no shared assets: set MEDIAML_ASSETS or put `shared` beside the checkout"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
