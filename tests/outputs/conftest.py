"""Fixtures for the tests of the outputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.media.annotated_clips import clicks, write_clip
from tests.support.output_folder import FRAMES, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    source = write_clip(
        tmp_path / "clip.mkv", ticks=range(FRAMES), sounds=[("aac", {})], sound=clicks(1.6, (0.1, 0.79, 0.81))
    )
    made = House(tmp_path, source)
    yield made
    made.ledger.close()
