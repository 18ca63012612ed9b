"""What was written is read back as typed rows, frame by frame, and damage is named."""

from __future__ import annotations

import sqlite3
from fractions import Fraction

import numpy as np
import pytest

from mediaml.core.errors import OutputError
from mediaml.core.media import Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Embedding, Label, Picture, Prediction
from mediaml.core.work import FrameAnswer, FrameResult, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.results import has_ledger, open_results
from mediaml.ledger.schema import FILE_NAME
from tests.ledger.conftest import MODEL, boxes, result, source


def test_frames_come_back_as_they_went_in(ledger):
    task = Task(ledger.add_source(source("a.mp4"), Kind.VIDEO), ledger.add_model(MODEL), 0)
    ledger.commit([result(task, range(3))])
    with open_results(ledger.folder) as results:
        frames = list(results.frames())
        assert results.source(task.source).kind is Kind.VIDEO
    assert frames[1] == FrameResult(
        "a.mp4",
        "cats",
        1,
        0.1,
        0.1,
        Prediction((Label("cat", 0.12345),), (Detection(Label("cat", 0.5), Box(1, 2, 3.33, 4)),)),
    )
    assert [(frame.frame, frame.time_s) for frame in frames] == [(0, 0.0), (1, 0.1), (2, 0.2)]


def test_everything_a_model_may_answer_comes_back(ledger):
    vector, image = np.arange(4, dtype=np.float32), np.full((3, 5, 3), (10, 200, 30), np.uint8)
    said = Prediction(
        (Label("b", 0.75), Label("a", 0.75)),
        (
            Detection(Label("a", 0.25), Box(-1.5, 0, 0.25, 4), track=7),
            Detection(Label("c", 1.0), Box(0, 0, 0, 0)),
        ),
        Embedding(vector),
        Picture(image),
    )
    task = Task(ledger.add_source(source("a.jpg")), ledger.add_model(MODEL), 0)
    ledger.commit([record_of(TaskResult(task, (FrameAnswer(0, 0.0, 0.0, said),)))])
    with open_results(ledger.folder) as results:
        (frame,) = results.frames()
    assert (frame.prediction.labels, frame.prediction.detections) == (said.labels, said.detections)
    assert frame.prediction.embedding.vector.tolist() == vector.tolist()
    assert (frame.prediction.picture.image == image).all()


def test_frames_with_and_without_boxes_are_not_shifted(ledger):
    task = Task(ledger.add_source(source("a.mp4")), ledger.add_model(MODEL), 0)
    said = [
        Prediction(),
        boxes(("a", 0.5), ("b", 0.4)),
        Prediction(),
        Prediction((Label("c", 1.0),)),
        boxes(("d", 1.0)),
    ]
    answers = tuple(FrameAnswer(3 * index, float(index), 1.0, one) for index, one in enumerate(said))
    ledger.commit([record_of(TaskResult(task, answers))])
    with open_results(ledger.folder) as results:
        assert [(frame.frame, frame.prediction) for frame in results.frames()] == [
            (3 * index, one) for index, one in enumerate(said)
        ]


def test_models_and_sources_are_chosen_by_name(ledger):
    files = [ledger.add_source(source(name)) for name in ("a.mp4", "b.mp4")]
    number = ledger.add_model(MODEL)
    ledger.commit([result(Task(file, number, 0), range(1)) for file in files])
    with open_results(ledger.folder) as results:
        assert [frame.source for frame in results.frames("cats", "b.mp4")] == ["b.mp4"]
        with pytest.raises(OutputError, match="no results of model 'dogs'") as caught:
            next(results.frames("dogs"))
        assert "cats" in caught.value.hint
        with pytest.raises(OutputError, match=r"no results of c\.mp4"):
            next(results.frames(source="c.mp4"))


def test_facts_of_a_file_come_back_and_stand_in_columns(ledger):
    task = Task(ledger.add_source(source("a.mp4")), ledger.add_model(MODEL), 0)
    info = MediaInfo(
        "/media/a.mp4",
        Kind.VIDEO,
        width=640,
        height=360,
        rotation=90,
        frame_rate=Fraction(30000, 1001),
        duration_s=2.5,
        sample_rate=48_000,
        audio_tracks=2,
        header_frames=75,
        container="mov",
        codec="h264",
        start_s=1.4,
    )
    ledger.commit([record_of(TaskResult(task, info=info))])
    # What a model for audio is told of the same file does not hide the image's size.
    sound = MediaInfo("/media/a.mp4", Kind.AUDIO, duration_s=2.4, audio_tracks=2)
    ledger.commit([record_of(TaskResult(Task(task.source, ledger.add_model(MODEL), 1), info=sound))])
    with open_results(ledger.folder) as results:
        assert results.source(task.source).info == info
    columns = "width, height, duration_s, round(frame_rate, 3), start_s"
    assert ledger._db.execute(f"SELECT {columns} FROM sources").fetchone() == (640, 360, 2.5, 29.97, 1.4)


def test_the_frames_of_one_task_cost_the_same_however_many_there_are(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    costs = []
    for begin, end in ((0, 4), (4, 400)):
        ledger.commit(
            [result(Task(*ids, n), range(3 * n, 3 * n + 3), last=n == 399) for n in range(begin, end)]
        )
        with open_results(ledger.folder) as results:
            steps = []
            results._db.set_progress_handler(lambda steps=steps: steps.append(1), 1)
            frames = [kept for _, kept in results.kept(ids[0], task=Task(*ids, 3))]
        assert [frame.frame for frame in frames] == [9, 10, 11]
        assert all(frame.prediction().detections for frame in frames)
        costs.append(len(steps))
    assert costs[1] < 2 * costs[0]


def test_a_million_frames_are_never_in_memory(ledger):
    """Whoever reads frame by frame waits for one frame only: the first comes before the last is read."""
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    ledger.commit([result(Task(*ids, n), range(100 * n, 100 * n + 100), last=n == 49) for n in range(50)])
    with open_results(ledger.folder) as results:
        steps = []
        results._db.set_progress_handler(lambda: steps.append(1), 100)
        frames = results.frames()
        assert next(frames).frame == 0
        first = len(steps)
        assert sum(1 for _ in frames) == 4999
        assert len(steps) > 20 * (first + 1)


def test_plain_sqlite_sees_names_and_floats(ledger):
    ids = ledger.add_source(source("a.mp4"), Kind.VIDEO), ledger.add_model(MODEL)
    ledger.commit([result(Task(*ids, 0), range(2))])
    ledger.close()
    with sqlite3.connect(ledger.folder / FILE_NAME) as db:
        assert db.execute(
            "SELECT source, model, frame, time_s, label, score, left, top, right, bottom FROM detections"
        ).fetchall() == [
            ("a.mp4", "cats", frame, frame / 10, "cat", 0.5, 1.0, 2.0, 3.33, 4.0) for frame in (0, 1)
        ]
        assert db.execute("SELECT label, score FROM labels WHERE frame = 1").fetchall() == [("cat", 0.12345)]
        assert db.execute("SELECT source, frame FROM frames WHERE current").fetchall() == [
            ("a.mp4", 0),
            ("a.mp4", 1),
        ]
        per_second = (
            "SELECT CAST(time_s AS INTEGER) AS second, count(*) FROM detections WHERE model = 'cats' "
            "AND label = 'cat' AND score >= 0.25 AND current GROUP BY source, second"
        )
        assert db.execute(per_second).fetchall() == [(0, 2)]
        assert db.execute("SELECT kind FROM sources").fetchall() == [("video",)]
        assert db.execute("SELECT * FROM failures").fetchall() == []


def test_a_ledger_that_rots_is_told(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    ledger.commit([result(Task(*ids, 0), range(2000))])
    ledger.close()
    path = ledger.folder / FILE_NAME
    pages = bytearray(path.read_bytes())
    for start in range(len(pages) // 4096 * 3 // 5 * 4096, len(pages), 4096):
        pages[start : start + 512] = b"\x5a" * 512
    path.write_bytes(pages)
    with pytest.raises(OutputError, match="cannot be read"), open_results(ledger.folder) as results:
        list(results.kept(1))
    with pytest.raises(OutputError, match="cannot be read"):
        list(open_results(ledger.folder).frames())


def test_a_folder_without_a_ledger_is_named(tmp_path):
    with pytest.raises(OutputError, match="holds no ledger"):
        open_results(tmp_path)


def test_a_ledger_that_was_never_begun_is_none(tmp_path):
    """A kill, or a full disk, between making the file and making its tables."""
    assert not has_ledger(tmp_path)
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("PRAGMA journal_mode = WAL")
    assert (tmp_path / FILE_NAME).stat().st_size > 0
    assert not has_ledger(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"no ledger" * 100)
    assert has_ledger(tmp_path)
