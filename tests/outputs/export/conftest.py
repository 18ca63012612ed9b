"""An output folder to export from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.export_folder import ExportFolder


@pytest.fixture
def made(tmp_path: Path) -> Iterator[ExportFolder]:
    """An image, a video and audio with results, in `out`."""
    folder = ExportFolder(tmp_path / "out").add_all()
    yield folder
    folder.ledger.close()
