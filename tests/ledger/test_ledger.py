"""The ledger keeps every answer once, knows what is left to do, and refuses what it cannot trust."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mediaml.core.errors import OutputError
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.work import Failure, FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import TaskRecord, record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.schema import FILE_NAME
from mediaml.ledger.view import ProgressRow, has_ledger, open_view

MODEL = ModelIdentity("cats", "detect", "cats", "cats", "1.0", "cats.onnx", "0" * 64, "{}")
OTHER = ModelIdentity("cats", "detect", "cats", "cats", "1.0", "cats.onnx", "1" * 64, "{}")
CAT = Prediction((Label("cat", 0.123456789),), (Detection(Label("cat", 0.5), Box(1, 2, 3.333, 4)),))


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "out") as opened:
        yield opened


def source(name: str, *, size: int = 10, path: str | None = None) -> Source:
    return Source(Path(path or f"/media/{name}"), name, name, size, 1, named=True)


def result(task: Task, frames: range, *, last: bool) -> TaskRecord:
    answers = tuple(FrameAnswer(index, index / 10, 0.1, CAT) for index in frames)
    info = MediaInfo("a.mp4", Kind.VIDEO)
    accounts = DecodeAccounts(decoded=frames.stop)
    return record_of(TaskResult(task, answers, last=last, accounts=accounts, info=info))


def test_answers_come_back_as_they_went_in(ledger):
    task = Task(ledger.add_source(source("a.mp4"), Kind.VIDEO), ledger.add_model(MODEL), 0)
    ledger.commit([result(task, range(3), last=True)])
    with open_view(ledger.folder) as view:
        rows = list(view.answers(task.source))
        labels, detections = view.overlay(task.source, 1)
        assert view.source(task.source).kind is Kind.VIDEO
    assert [(row.frame, row.time_s, row.model) for row in rows] == [
        (0, 0.0, "cats"),
        (1, 0.1, "cats"),
        (2, 0.2, "cats"),
    ]
    assert rows[0].labels == '[{"label":"cat","score":0.12346}]'
    assert labels == (Label("cat", 0.12346),)
    assert detections == (Detection(Label("cat", 0.5), Box(1, 2, 3.33, 4)),)


def test_the_answers_of_one_task_cost_the_same_however_many_there_are(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    costs = []
    for begin, end in ((0, 4), (4, 400)):
        ledger.commit(
            [result(Task(*ids, n), range(3 * n, 3 * n + 3), last=n == 399) for n in range(begin, end)]
        )
        with open_view(ledger.folder) as view:
            steps = []
            view._db.set_progress_handler(lambda steps=steps: steps.append(1), 1)
            rows = list(view.answers(ids[0], task=Task(*ids, 3)))
        assert [row.frame for row in rows] == [9, 10, 11]
        costs.append(len(steps))
    assert costs[1] < 2 * costs[0]


def test_standing_tells_where_to_go_on(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    assert not ledger.task_progress(*ids).complete
    ledger.commit(
        [result(Task(*ids, 0), range(5), last=False), result(Task(*ids, 3), range(5, 7), last=False)]
    )
    progress = ledger.task_progress(*ids)
    assert (progress.next_slice, progress.frames, progress.complete) == (4, 7, False)
    ledger.commit([result(Task(*ids, 4), range(7, 8), last=True)])
    assert ledger.task_progress(*ids).complete


def test_a_commit_is_whole_or_not_at_all(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    twice = result(Task(*ids, 1), range(2), last=True)
    with pytest.raises(OutputError):
        ledger.commit([result(Task(*ids, 0), range(2), last=False), twice])
    with open_view(ledger.folder) as view:
        assert list(view.answers(ids[0])) == []


def test_a_changed_file_loses_its_answers(ledger):
    ids = ledger.add_source(source("a.mp4"), Kind.VIDEO), ledger.add_model(MODEL)
    ledger.commit([result(Task(*ids, 0), range(2), last=True)])
    assert ledger.recall(source("a.mp4")) is Kind.VIDEO
    assert ledger.recall(source("a.mp4", size=11)) is None
    assert ledger.add_source(source("a.mp4", size=11)) == ids[0]
    assert not ledger.task_progress(*ids).complete


def test_a_digest_tells_a_touched_file_from_a_changed_one(ledger):
    first = replace(source("a.mp4"), digest="a")
    ids = ledger.add_source(first, Kind.VIDEO), ledger.add_model(MODEL)
    ledger.commit([result(Task(*ids, 0), range(2), last=True)])
    touched = replace(first, mtime_ns=2)
    assert ledger.recall(touched) is Kind.VIDEO
    ledger.add_source(touched, Kind.VIDEO)
    assert ledger.task_progress(*ids).complete
    ledger.add_source(replace(touched, digest=""), Kind.VIDEO)
    assert ledger.recall(replace(touched, digest="b")) is None
    ledger.add_source(replace(touched, digest="b"), Kind.VIDEO)
    assert not ledger.task_progress(*ids).complete


def test_another_version_of_a_model_supersedes_it_on_that_source_only(ledger):
    first, second = ledger.add_source(source("a.mp4")), ledger.add_source(source("b.mp4"))
    old, new = ledger.add_model(MODEL), ledger.add_model(OTHER)
    assert old != new
    assert ledger.add_model(MODEL) == old
    ledger.commit([result(Task(name, old, 0), range(2), last=True) for name in (first, second)])
    ledger.supersede(first, new, restart=False)
    assert not ledger.task_progress(first, old).complete
    assert ledger.task_progress(second, old).complete


def test_a_failure_is_kept_apart_and_dropped_before_another_try(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    failure = Failure("open", "MediaError", "it is empty.")
    ledger.commit([TaskRecord(Task(*ids, 0), failure=failure)])
    assert ledger.task_progress(*ids).failure == failure
    with open_view(ledger.folder) as view:
        assert [row.failure for row in view.failures()] == [failure]
        assert view.progress() == [ProgressRow("cats", 0, 1, 0, 0, 0, 0)]
    ledger.supersede(*ids, restart=False)
    assert ledger.task_progress(*ids).failure is None


def test_equal_names_never_collide(ledger):
    names = []
    for folder in ("a", "b", "c"):
        identity = ledger.add_source(source("x.jpg", path=f"/{folder}/x.jpg"))
        with open_view(ledger.folder) as view:
            names.append(view.source(identity).name)
        names.append(ledger.claim_artifact(identity, "annotated", "X.annotated.jpg"))
    assert names[::2] == ["x.jpg", "x~2.jpg", "x~3.jpg"]
    assert names[1::2] == ["X.annotated.jpg", "X.annotated~2.jpg", "X.annotated~3.jpg"]


def test_new_answers_make_a_copy_stale(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    ledger.claim_artifact(ids[0], "annotated", "a.annotated.mp4")
    ledger.settle_artifact(ids[0], "annotated", done=True)
    with open_view(ledger.folder) as view:
        assert view.artifact_done(ids[0], "annotated")
        ledger.commit([result(Task(*ids, 0), range(2), last=True)])
        assert not view.artifact_done(ids[0], "annotated")


def test_a_name_that_is_not_utf8_is_kept(ledger):
    odd = Source(Path("/media/a\udcff.jpg"), "a\\xff.jpg", "a\\xff.jpg", 1, 1, named=True)
    with open_view(ledger.folder) as view:
        assert view.source(ledger.add_source(odd)).path == odd.path


def test_another_schema_version_is_refused_not_misread(tmp_path):
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(OutputError, match="99"):
        Ledger(tmp_path)


def test_what_is_no_ledger_is_refused(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"no database, but a text of some length" * 100)
    with pytest.raises(OutputError, match="cannot be opened"):
        Ledger(tmp_path)


def test_a_ledger_that_rots_is_told(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    ledger.commit([result(Task(*ids, 0), range(2000), last=True)])
    ledger.close()
    path = ledger.folder / FILE_NAME
    pages = bytearray(path.read_bytes())
    for start in range(8192, len(pages), 4096):
        pages[start : start + 512] = b"\x5a" * 512
    path.write_bytes(pages)
    with pytest.raises(OutputError, match="cannot be read"), open_view(ledger.folder) as view:
        list(view.answers(1))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        Ledger(tmp_path / "file" / "out")


def test_a_full_disk_is_told_and_loses_nothing(ledger, tmp_path):
    pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutputError, match="disk is full"):
        ledger.begin_run({"filler": "x" * 100_000})
    ledger._db.execute(f"PRAGMA max_page_count = {pages + 100}")
    assert ledger.begin_run({"filler": "x" * 100_000}) == 1


def test_a_disk_without_room_for_a_page_is_called_full(tmp_path, monkeypatch):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(OutputError, match="cannot be opened: unable to open"):
        Ledger(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4096))
    with pytest.raises(OutputError, match=r"the disk is full \(unable to open"):
        Ledger(tmp_path)


def test_a_ledger_that_is_removed_while_it_is_written_is_told(ledger):
    (ledger.folder / "ledger.sqlite").unlink()
    with pytest.raises(OutputError, match="was removed"):
        ledger.commit([])


def test_a_ledger_that_was_never_begun_is_none(tmp_path):
    """A kill, or a full disk, between making the file and making its tables."""
    assert not has_ledger(tmp_path)
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("PRAGMA journal_mode = WAL")
    assert (tmp_path / FILE_NAME).stat().st_size > 0
    assert not has_ledger(tmp_path)
    with Ledger(tmp_path):
        assert has_ledger(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"no ledger" * 100)
    assert has_ledger(tmp_path)
