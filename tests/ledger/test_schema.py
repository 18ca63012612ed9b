"""Ledgers of older versions are migrated, of newer ones refused.

`ledger-0.1.0.sqlite` was written by mediaml 0.1.0 (schema version 1) from what `render_old_input.py` renders:
`yolo`, `digits` and `spoken` on two images, a clip, a recording and an image that is cut off.
`results-0.1.0.jsonl` is what that version exported from it. `ledger-v2.sqlite` is of schema version 2, see
`write_version_2.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Picture, Prediction
from mediaml.core.view import View
from mediaml.core.work import Task
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.recognise import has_ledger
from mediaml.ledger.repair import Repaired, repair
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME, LOCK_NAME, sole_writer
from mediaml.ledger.trouble import ledger_error
from tests.support.frames_shown import frames_shown
from tests.support.ledger_tasks import MODEL, result, source

HERE = Path(__file__).parent


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An output folder of mediaml 0.1.0."""
    shutil.copyfile(HERE / "ledger-0.1.0.sqlite", tmp_path / FILE_NAME)
    return tmp_path


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """An output folder of schema version 2."""
    shutil.copyfile(HERE / "ledger-v2.sqlite", tmp_path / FILE_NAME)
    return tmp_path


def version_of(folder: Path) -> str:
    with sqlite3.connect(folder / FILE_NAME) as db:
        return db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()[0]


def exported() -> dict[tuple[str, str, int], dict[str, object]]:
    """The frames that mediaml 0.1.0 exported, by source, model and frame."""
    lines = map(json.loads, (HERE / "results-0.1.0.jsonl").read_text("utf-8").splitlines())
    return {(line["source"], line["plugin"], line["frame"]): line for line in lines if "frame" in line}


def assert_as_exported(folder: Path) -> None:
    before = exported()
    with open_results(folder) as results:
        frames = {(frame.source, frame.model, frame.frame): frame for frame in results.frames()}
        failures = [(row.source.shown, row.model, row.failure.stage) for row in results.failures()]
        infos = {row.shown: row.info for row in results.sources()}
        models = [row.name for row in results.models()]
    assert frames.keys() == before.keys()
    for key, frame in frames.items():
        line = before[key]
        assert (frame.time_s, frame.duration_s) == pytest.approx(
            (line["time_s"], line["duration_s"]), abs=1e-6
        )
        said = frame.prediction
        assert [{"label": one.name, "score": one.score} for one in said.labels] == line["labels"]
        assert [
            {"label": one.label.name, "score": one.label.score, "box": list(one.box.corners)}
            for one in said.detections
        ] == line["detections"]
    assert failures == [("in/broken.jpg", "yolo", "decode"), ("in/broken.jpg", "digits", "decode")]
    assert models == ["yolo", "digits", "spoken"]
    clip = infos["in/clip.mp4"]
    assert (clip.kind, clip.width, clip.height, clip.frame_rate, clip.start_s) == (
        Kind.VIDEO,
        320,
        240,
        5,
        None,
    )


def test_a_ledger_of_0_1_0_is_migrated_when_it_is_written(old):
    with Ledger(old) as ledger:
        assert ledger._db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert ledger._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert version_of(old) == "4"
    assert_as_exported(old)


def test_and_when_it_is_read(old):
    assert_as_exported(old)
    assert version_of(old) == "4"


def assert_as_shown(folder: Path) -> None:
    with open_results(folder) as results:
        assert [row.source.shown for row in results.failures()] == ["broken.jpg"]
        assert results.view("yolo") == View(0.25)
    assert frames_shown(folder) == json.loads((HERE / "ledger-v2.json").read_text("utf-8"))


def test_a_ledger_of_version_2_is_migrated(second):
    assert version_of(second) == "2"
    with Ledger(second) as ledger:
        assert ledger._db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert version_of(second) == "4"
    assert_as_shown(second)
    with sqlite3.connect(second / FILE_NAME) as db:
        rows = db.execute(
            "SELECT label, class_id, track, duration_s, width, height FROM detections WHERE frame = 29"
        ).fetchall()
    assert rows == [("car", 1, None, 0.2, 320, 240), ("truck", 2, 7, 0.2, 320, 240)]


def test_a_migration_from_version_2_that_is_interrupted_leaves_it(second, monkeypatch):
    before = sqlite3.connect(second / FILE_NAME).execute("SELECT * FROM sqlite_master").fetchall()
    with monkeypatch.context() as patch:
        patch.setattr("mediaml.ledger.migration.VIEWS", "CREATE VIEW broken;\nCREATE")
        with pytest.raises(OutputError):
            Ledger(second)
    assert version_of(second) == "2"
    assert sqlite3.connect(second / FILE_NAME).execute("SELECT * FROM sqlite_master").fetchall() == before
    assert_as_shown(second)


def test_a_ledger_of_version_3_keeps_its_pictures(tmp_path):
    image = np.full((3, 5, 3), (10, 200, 30), np.uint8)
    said = Prediction(picture=Picture(image))
    with Ledger(tmp_path) as ledger:
        task = Task(ledger.add_source(source("a.mp4"), Kind.VIDEO), ledger.add_model(MODEL), 0)
        ledger.commit([result(task, range(2), said=said)])
        for table in ("picture_file", "clip_model"):
            ledger._db.execute(f"DROP TABLE {table}")
        for (view,) in ledger._db.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            ledger._db.execute(f"DROP VIEW {view}")
        ledger._db.execute("ALTER TABLE prediction DROP COLUMN same_as")
        with ledger._db as db:
            db.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
    assert repair(tmp_path) == Repaired("")
    assert version_of(tmp_path) == "3"
    with open_results(tmp_path) as results:
        assert all((one.prediction.picture.image == image).all() for one in results.frames())
    assert version_of(tmp_path) == "4"
    assert repair(tmp_path) == Repaired("")


@pytest.mark.parametrize("fixture", ["old", "second"])
def test_one_that_may_only_be_read_stays_as_it_is(request, monkeypatch, fixture):
    folder = request.getfixturevalue(fixture)
    before = (folder / FILE_NAME).read_bytes()
    monkeypatch.setattr("os.access", lambda path, mode: not mode & os.W_OK)
    (assert_as_exported if fixture == "old" else assert_as_shown)(folder)
    assert (folder / FILE_NAME).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("fixture", ["old", "second"])
def test_a_migrated_ledger_has_the_schema_of_a_new_one(request, tmp_path, fixture):
    folder = request.getfixturevalue(fixture)
    Ledger(folder).close()
    Ledger(tmp_path / "new").close()
    # Columns that version 2 added stand where ALTER TABLE puts them.
    query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    with sqlite3.connect(folder / FILE_NAME) as db, sqlite3.connect(tmp_path / "new" / FILE_NAME) as new:
        assert db.execute(query).fetchall() == new.execute(query).fetchall()


def test_a_migration_that_is_interrupted_leaves_the_old_ledger(old, monkeypatch):
    before = sqlite3.connect(old / FILE_NAME).execute("SELECT * FROM answer").fetchall()

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mediaml.ledger.migration._move_facts", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Ledger(old)
    assert version_of(old) == "1"
    assert sqlite3.connect(old / FILE_NAME).execute("SELECT * FROM answer").fetchall() == before
    assert_as_exported(old)


def test_a_ledger_that_an_older_mediaml_is_writing_is_not_migrated(old):
    with FileLock(old / LOCK_NAME), pytest.raises(OutputError, match="another mediaml is writing"):
        Ledger(old)
    assert version_of(old) == "1"
    with sole_writer(old), Ledger(old):
        assert version_of(old) == "4"


def test_a_newer_version_is_refused_with_what_to_do(tmp_path):
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("UPDATE meta SET value = '5' WHERE key = 'schema_version'")
    for opening in (Ledger, open_results):
        with pytest.raises(OutputError, match="has schema version 5, written by a newer mediaml") as caught:
            opening(tmp_path)
        assert "this one reads up to 4" in str(caught.value)
        assert "pip install -U mediaml" in caught.value.hint


@pytest.mark.parametrize("opening", [Ledger, open_results])
def test_what_is_no_ledger_is_refused(tmp_path, opening):
    (tmp_path / FILE_NAME).write_bytes(b"no database, but a text of some length" * 100)
    with pytest.raises(OutputError, match="cannot be opened"):
        opening(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    with pytest.raises(OutputError, match="is not a mediaml ledger"):
        opening(tmp_path)


def test_reading_leaves_no_file_behind(tmp_path):
    Ledger(tmp_path).close()
    with open_results(tmp_path) as results:
        list(results.frames(view=View()))
    assert {path.name for path in tmp_path.iterdir()} <= {FILE_NAME, LOCK_NAME}


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (sqlite3.SQLITE_CORRUPT, "--repair"),
        (sqlite3.SQLITE_NOTADB, "--repair"),
        (sqlite3.SQLITE_FULL, "Make room"),
        (sqlite3.SQLITE_IOERR, "Check that disk"),
        (sqlite3.SQLITE_BUSY, "Another program has it open"),
        (sqlite3.SQLITE_LOCKED, "Another program has it open"),
        (sqlite3.SQLITE_READONLY, "Check the permissions"),
        (sqlite3.SQLITE_CANTOPEN, "Check the permissions"),
    ],
)
def test_the_hint_fits_the_cause(tmp_path, code, hint):
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorcode = code
    assert hint in ledger_error(tmp_path / FILE_NAME, error).hint


def test_a_locked_ledger_is_called_so(tmp_path, monkeypatch):
    Ledger(tmp_path).close()
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *given, **named: connect(*given, **{**named, "timeout": 0}))
    with closing(connect(tmp_path / FILE_NAME)) as other, Ledger(tmp_path) as ledger:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="cannot be written: database is locked") as caught:
            ledger.begin_run({})
    assert "Another program has it open" in caught.value.hint


def test_a_ledger_whose_schema_is_gone_is_not_begun_again(tmp_path):
    Ledger(tmp_path).close()
    data = bytearray((tmp_path / FILE_NAME).read_bytes())
    data[103:105] = b"\0\0"  # the number of rows on the page of the schema
    (tmp_path / FILE_NAME).write_bytes(data)
    for opening in (Ledger, open_results):
        with pytest.raises(OutputError) as caught:
            opening(tmp_path)
        assert "--repair" in caught.value.hint


def test_a_schema_whose_text_is_damaged_is_damage(tmp_path):
    """The message of SQLite quotes it, which Python cannot decode."""
    Ledger(tmp_path).close()
    data = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(data.replace(b"CREATE TABLE task", b"CREATE TABLE \x8ask ("))
    for opening in (Ledger, open_results):
        with pytest.raises(OutputError) as caught:
            opening(tmp_path)
        assert "--repair" in caught.value.hint
    assert has_ledger(tmp_path)
    assert repair(tmp_path).damaged
    Ledger(tmp_path).close()
