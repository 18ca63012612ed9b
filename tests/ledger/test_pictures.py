"""Pictures in files belong to their tasks: they come back, and what is lost of them is done again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediaml.app.merge import merge_folders
from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Prediction
from mediaml.core.work import Task
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.pictures import remove_unlisted
from mediaml.ledger.repair import Repaired, repair
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME
from mediaml.media.write.picture_writer import PictureWriter, Place
from tests.support.ledger_tasks import MODEL, result, source

SLICES = 3


def grey(frame: int) -> np.ndarray:
    return np.full((6, 8, 3), 10 * frame, np.uint8)


def fill(folder: Path, name: str = "a.mp4", shade: int = 0) -> int:
    """Do what is missing, two frames a slice, as a run does; returns how many tasks it did."""
    with Ledger(folder) as ledger:
        file, model = ledger.add_source(source(name), Kind.VIDEO), ledger.add_model(MODEL)
        missing = range(ledger.task_progress(file, model).next_slice, SLICES)
        for number in missing:
            writer = PictureWriter(Place(folder, file, model, number, True))
            frames = range(2 * number, 2 * number + 2)
            for frame in frames:
                writer.add(frame, grey(frame) + np.uint8(shade))
            task = result(Task(file, model, number), frames, last=number == SLICES - 1, said=Prediction())
            ledger.commit([replace(task, pictures=writer.close())])
        return len(missing)


def shown(folder: Path) -> list[int]:
    with open_results(folder) as results:
        return [int(one.prediction.picture.image.mean()) for one in results.frames()]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".pictures").rglob("*") if path.is_file())


def test_they_come_back_with_their_frames(tmp_path: Path) -> None:
    assert fill(tmp_path) == SLICES
    assert shown(tmp_path) == pytest.approx([0, 10, 20, 30, 40, 50], abs=1)


def test_a_file_that_is_gone_is_done_again_with_all_after_it(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / ".pictures/1/1/000001.mkv").unlink()
    with pytest.raises(OutputError, match="missing or damaged"):
        shown(tmp_path)
    assert fill(tmp_path) == 2
    assert shown(tmp_path) == pytest.approx([0, 10, 20, 30, 40, 50], abs=1)
    assert fill(tmp_path) == 0


def test_a_repair_drops_tasks_with_damaged_files(tmp_path: Path) -> None:
    fill(tmp_path)
    assert repair(tmp_path) == Repaired("")
    path = tmp_path / ".pictures/1/1/000002.mkv"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert fill(tmp_path) == 0, "of the same size"
    assert repair(tmp_path) == Repaired("", lost=1)
    assert fill(tmp_path) == 1
    assert repair(tmp_path) == Repaired("")
    assert shown(tmp_path) == pytest.approx([0, 10, 20, 30, 40, 50], abs=1)


def test_a_row_that_was_changed_is_noticed_and_repaired(tmp_path: Path) -> None:
    fill(tmp_path)
    with Ledger(tmp_path) as ledger, ledger._db as db:
        db.execute("UPDATE picture_file SET last = 9 WHERE slice = 1")
    with pytest.raises(OutputError, match="do not match their checksum"):
        shown(tmp_path)
    done = repair(tmp_path)
    assert (done.kept, done.dropped, done.lost) == (1, 2, 0)
    assert fill(tmp_path) == 2
    assert shown(tmp_path) == pytest.approx([0, 10, 20, 30, 40, 50], abs=1)


def test_a_merge_takes_the_files_of_pictures_along(tmp_path: Path) -> None:
    fill(tmp_path / "x", "a.mp4")
    fill(tmp_path / "y", "b.mp4", shade=100)
    for _ in range(2):
        report = merge_folders([tmp_path / "x", tmp_path / "y"], tmp_path / "all")
        assert not report.conflicts
    assert shown(tmp_path / "all") == pytest.approx([*range(0, 60, 10), *range(100, 160, 10)], abs=1)
    assert fill(tmp_path / "all", "a.mp4") == fill(tmp_path / "all", "b.mp4") == 0
    (tmp_path / "y/.pictures/1/1/000001.mkv").unlink()
    merge_folders([tmp_path / "y"], tmp_path / "part")
    assert fill(tmp_path / "part", "b.mp4", shade=100) == 2
    assert shown(tmp_path / "part") == pytest.approx(range(100, 160, 10), abs=1)


def test_files_that_no_task_refers_to_are_removed(tmp_path: Path) -> None:
    fill(tmp_path)
    place = tmp_path / ".pictures"
    (place / "1/1/000003.mkv.part").write_bytes(b"of a run that was killed")
    (place / "9/7").mkdir(parents=True)
    (place / "9/7/000000.png").write_bytes(b"of a source that has changed")
    with open_results(tmp_path) as results:
        remove_unlisted(results.connection, tmp_path)
    assert files(tmp_path) == ["000000.mkv", "000001.mkv", "000002.mkv"]
    assert not (place / "9").exists()
    with Ledger(tmp_path) as ledger:
        ledger.supersede(1, 1, restart=True)
        remove_unlisted(ledger._db, tmp_path)
    assert not place.exists()
    assert (tmp_path / FILE_NAME).exists()
