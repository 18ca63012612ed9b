"""What a test needs of the machine."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def not_available(reason: str) -> NoReturn:
    """Skip the test for that reason; under CI, where everything is installed, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def program(*names: str) -> str:
    """The path of the first of these programs that is installed; the test is skipped where none is."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or not_available(f"not installed: {' or '.join(names)}")
