"""Fixtures for the tests of the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.media.files import write_image, write_video
from tests.support.pipeline_run import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Five images, a clip, a file that is no video and a file that is not media."""
    (tmp_path / "in").mkdir()
    for index in range(5):
        write_image(tmp_path / "in" / f"photo{index}.png", 40 + 8 * (index % 2), 32)
    write_video(tmp_path / "in" / "clip.mp4", frames=30, width=64, height=48)
    (tmp_path / "in" / "broken.mp4").write_bytes(b"not a video at all")
    (tmp_path / "in" / "notes.txt").write_text("not media, and does not claim to be")
    return Bench(tmp_path)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files; the working directory is above it."""
    for name in ("p/b/2.jpg", "p/b/10.jpg", "p/a.jpg", "p/c/deep/é 汉.jpg", "p/notes.txt", "p/.hidden/x.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path
