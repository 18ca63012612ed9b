"""What planning does with files that only a worker can identify."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mediaml.core.media import Kind
from mediaml.core.work import Sniff
from mediaml.ledger.ledger import Ledger
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.plan import Planned, Planner


def planned(folder: Path, named: list[Path], output: Path) -> tuple[Planned, list[str]]:
    """What was planned without models, and the names asked about; the answer is always "no media"."""
    asked = []
    with Ledger(output) as ledger:
        planner = Planner(ledger, [], kinds=frozenset(Kind), emit=lambda record: None)
        for job in planner.jobs(scan(Selection(tuple(map(str, named or [folder]))))):
            assert isinstance(job, Sniff)
            asked.append(Path(str(job.location)).name)
            assert planner.settle(job, None) is None
    return planner.planned, asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    (made / "unknown").write_bytes(random.Random(0).randbytes(5_000))
    (made / "promised.mp4").write_bytes(random.Random(1).randbytes(5_000))
    (made / "notes.txt").write_text("text " * 100)
    return made


def test_the_unknown_is_asked_about_and_text_is_not(folder: Path, tmp_path: Path) -> None:
    found, asked = planned(folder, [], tmp_path / "out")
    assert asked == ["promised.mp4", "unknown"]
    assert found.not_media == 2
    assert len(found.sources) == 1  # the file whose name promised a video has failed


def test_what_was_named_and_is_no_media_has_failed(folder: Path, tmp_path: Path) -> None:
    found, asked = planned(folder, [folder / "unknown"], tmp_path / "out")
    assert asked == ["unknown"]
    assert found.not_media == 0 and len(found.sources) == 1
