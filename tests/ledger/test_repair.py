"""Damage of a ledger is never silent, and a repair keeps what is sound: bytes are overwritten at random."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Embedding, Prediction
from mediaml.core.view import View
from mediaml.core.work import FrameAnswer, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.repair import Repaired, repair
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME, sole_writer
from mediaml.outputs.jsonl import lines
from tests.support.ledger_tasks import MODEL, boxes, derive, result, source

NAMES = ("cat", "dog", "emu", "yak")
VIDEOS, IMAGES, SLICES, FRAMES = 3, 40, 6, 40
PAGE = 4096
KINDS = ("bit", "byte", "run", "page", "zero", "cut")


def answers(task, number):
    """What a model says of a slice: always the same."""
    generator = random.Random(f"{task.source} {task.model} {number}")
    said = boxes(*((generator.choice(NAMES), generator.random()) for _ in range(4)))
    return result(task, range(FRAMES * number, FRAMES * (number + 1)), last=number == SLICES - 1, said=said)


def vectors(task, _):
    said = Prediction(embedding=Embedding(np.array([0.125, 0.5, 0.25], np.float32)))
    return record_of(TaskResult(task, (FrameAnswer(0, 0.0, 0.0, said),)))


def fill(folder: Path) -> int:
    """Do what is missing, as a run does; returns how many tasks it did."""
    done = 0
    with Ledger(folder) as ledger:
        ledger.begin_run({})
        finder = ledger.add_model(MODEL, View(min_score=0.25), NAMES)
        embedder = ledger.add_model(MODEL.__class__("clip", "embed", "clip", "clip", "1", "", "", "{}"))
        for name in [*(f"{n}.mp4" for n in range(VIDEOS)), *(f"{n}.jpg" for n in range(IMAGES))]:
            given = source(name)
            kind = ledger.recall(given) or (Kind.VIDEO if name.endswith("mp4") else Kind.IMAGE)
            file = ledger.add_source(given, kind, ledger.next_position())
            todo = [(finder, SLICES, answers)] if kind is Kind.VIDEO else [(embedder, 1, vectors)]
            for model, most, say in todo:
                for number in range(ledger.task_progress(file, model).next_slice, most):
                    ledger.commit([say(Task(file, model, number), number)])
                    done += 1
                if model == finder:
                    derive(ledger, file, model)
    return done


def said(folder: Path) -> list[str]:
    """All results, sources by name: a source that is added again gets another id and place."""
    with open_results(folder) as results:
        written = [line.decode() for line in lines(results)][1:]
        kept = [f"{one.source} {one.model} {one.prediction}" for one in results.frames(view=View())]
    return sorted(written) + sorted(kept)


def damage(path: Path, seed: int) -> None:
    """Overwrite something at a random place, in one of six ways."""
    generator, kind = random.Random(seed), KINDS[seed % len(KINDS)]
    data = bytearray(path.read_bytes())
    page = generator.randrange(len(data) // PAGE) * PAGE
    at = page + generator.randrange(PAGE - 64)
    if kind == "bit":
        data[at] ^= 1 << generator.randrange(8)
    elif kind == "byte":
        data[at] = generator.randrange(256)
    elif kind == "run":
        data[at : at + 64] = generator.randbytes(64)
    elif kind == "page":
        data[page : page + PAGE] = generator.randbytes(PAGE)
    elif kind == "zero":
        data[page : page + PAGE] = bytes(PAGE)
    else:
        del data[max(page, PAGE) :]
    path.write_bytes(data)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    fill(folder)
    with sqlite3.connect(folder / FILE_NAME) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


@pytest.fixture(scope="module")
def truth(whole) -> list[str]:
    return said(whole)


@pytest.mark.parametrize("seed", range(90))
def test_no_loss_is_silent_and_a_repair_and_a_rerun_bring_all_back(tmp_path, whole, truth, seed):
    shutil.copyfile(whole / FILE_NAME, tmp_path / FILE_NAME)
    damage(tmp_path / FILE_NAME, seed)
    before = (tmp_path / FILE_NAME).read_bytes()
    try:
        assert said(tmp_path) == truth
    except OutputError as error:
        assert "--repair" in error.hint
    done = repair(tmp_path)
    assert (done.damaged is None) == (not done.problem)
    if done.damaged:
        assert done.damaged.read_bytes() == before
    again = fill(tmp_path)
    assert said(tmp_path) == truth
    assert done.damaged or again == 0
    assert repair(tmp_path).problem == ""


def test_a_repair_keeps_most(tmp_path, whole):
    """One page of the largest table costs the slices of one video from there on."""
    shutil.copyfile(whole / FILE_NAME, tmp_path / FILE_NAME)
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        (page,) = db.execute(
            "SELECT pageno FROM dbstat WHERE name = 'detection' AND pagetype = 'leaf' LIMIT 1 OFFSET 12"
        ).fetchone()
    data = bytearray((tmp_path / FILE_NAME).read_bytes())
    data[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    (tmp_path / FILE_NAME).write_bytes(data)
    with pytest.raises(OutputError, match="damaged"):
        Ledger(tmp_path)
    done = repair(tmp_path)
    assert done.kept + done.dropped == VIDEOS * SLICES + IMAGES
    assert 0 < done.dropped <= SLICES
    assert fill(tmp_path) == done.dropped


def test_one_changed_score_is_noticed(tmp_path, whole):
    """SQLite finds nothing wrong with it."""
    shutil.copyfile(whole / FILE_NAME, tmp_path / FILE_NAME)
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("UPDATE detection SET score = score + 1 WHERE source = 2 AND frame = 3 AND n = 1")
    with open_results(tmp_path, checked=False) as results:
        assert len(list(results.frames(source="0.mp4"))) == SLICES * FRAMES
    with (
        pytest.raises(OutputError, match=r"1\.mp4 do not match their checksum"),
        open_results(tmp_path, checked=False) as results,
    ):
        list(lines(results))


def test_a_missing_frame_is_counted(tmp_path, whole):
    shutil.copyfile(whole / FILE_NAME, tmp_path / FILE_NAME)
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("DELETE FROM prediction WHERE source = 1 AND frame = 7")
    with pytest.raises(OutputError, match=r"239 of 240 frames of 0\.mp4"):
        open_results(tmp_path)


def test_a_repair_waits_for_no_run(tmp_path, whole):
    shutil.copyfile(whole / FILE_NAME, tmp_path / FILE_NAME)
    (tmp_path / FILE_NAME).write_bytes((tmp_path / FILE_NAME).read_bytes()[: 3 * PAGE])
    with FileLock(tmp_path / ".lock"), pytest.raises(OutputError, match="another mediaml is writing"):
        repair(tmp_path)
    with sole_writer(tmp_path):
        assert repair(tmp_path).damaged


@pytest.mark.parametrize("seed", range(30))
def test_a_ledger_of_version_1_loses_nothing_silently(tmp_path, seed):
    shutil.copyfile(Path(__file__).with_name("ledger-0.1.0.sqlite"), tmp_path / FILE_NAME)
    path = tmp_path / FILE_NAME
    before = sqlite3.connect(path).execute("SELECT count(*) FROM answer").fetchone()[0]
    damage(path, seed * len(KINDS) + 2 + seed % 4)
    try:
        with open_results(tmp_path) as results:
            assert len(list(results.frames(view=View()))) == before
    except OutputError:
        done = repair(tmp_path)
        assert done.damaged
        with open_results(tmp_path) as results:
            assert len(list(results.frames(view=View()))) <= before


def test_a_damaged_ledger_of_version_2_keeps_what_is_sound(tmp_path):
    path = tmp_path / FILE_NAME
    shutil.copyfile(Path(__file__).with_name("ledger-v2.sqlite"), path)
    assert repair(tmp_path) == Repaired("")
    with closing(sqlite3.connect(path)) as db:
        tasks = db.execute("SELECT count(*) FROM task").fetchone()[0]
        frames = db.execute("SELECT count(*) FROM prediction").fetchone()[0]
        first = db.execute("SELECT source, model, frame FROM prediction LIMIT 1").fetchone()
        db.execute("UPDATE prediction SET time_s = 99 WHERE (source, model, frame) = (?, ?, ?)", first)
        db.commit()
    done = repair(tmp_path)
    assert done.kept + done.dropped == tasks
    assert 0 < done.kept < tasks
    with closing(sqlite3.connect(path)) as db:
        assert 0 < db.execute("SELECT count(*) FROM prediction").fetchone()[0] < frames


def test_the_case_of_a_damaged_ledger(assets, mediaml, tmp_path):
    """156 frames and 4 failures were written, of which 141 frames were exported without a word."""
    (tmp_path / "out").mkdir()
    shutil.copyfile(assets / "cases/ledger_damaged_seed3.sqlite", tmp_path / "out" / FILE_NAME)
    refused = mediaml("status", "out")
    assert refused.code == 2
    assert "out/ledger.sqlite cannot be read: it is damaged" in refused.err
    assert "mediaml status out --repair" in refused.err
    repaired = mediaml("status", "out", "--repair")
    assert repaired.code == 0
    assert "10 tasks kept, 2 to be done again" in repaired.err
    assert (tmp_path / "out/ledger.sqlite.damaged").exists()
    with open_results(tmp_path / "out") as results:
        written = [json.loads(line) for line in lines(results)]
    assert len(written) > 100
    assert mediaml("status", "out", "--repair").err.endswith("is not damaged; nothing was changed.\n")
