"""A ledger to write to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mediaml.ledger.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "out") as opened:
        yield opened
