"""The ledger keeps every prediction once, and a commit is whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mediaml.core.errors import ChangedError, MediaError, OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.work import Failure, FrameAnswer, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME
from mediaml.ledger.units import score_units
from tests.support.ledger_tasks import MODEL, boxes, result, source


def test_a_commit_is_whole_or_not_at_all(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    twice = result(Task(*ids, 1), range(2))
    with pytest.raises(OutputError):
        ledger.commit([result(Task(*ids, 0), range(2), last=False), twice])
    with open_results(ledger.folder) as results:
        assert list(results.frames()) == []
    ledger.commit([result(Task(*ids, 0), range(2))])
    with open_results(ledger.folder) as results:
        assert [frame.prediction.labels[0].name for frame in results.frames()] == ["cat", "cat"]


def test_a_changed_file_loses_its_answers(ledger):
    ids = ledger.add_source(source("a.mp4"), Kind.VIDEO), ledger.add_model(MODEL)
    ledger.commit([result(Task(*ids, 0), range(2))])
    assert ledger.recall(source("a.mp4")) is Kind.VIDEO
    assert ledger.recall(source("a.mp4", size=11)) is None
    assert ledger.add_source(source("a.mp4", size=11)) == ids[0]
    assert not ledger.task_progress(*ids).complete
    for table in ("prediction", "label", "detection"):
        assert ledger._db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


@pytest.mark.parametrize(("error", "kept"), [(ChangedError, 0), (MediaError, 4)])
def test_a_file_that_changes_while_it_is_read_keeps_no_slice(ledger, error, kept):
    ids, other = (
        (ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)),
        ledger.add_source(source("b.mp4")),
    )
    ledger.commit([result(Task(*ids, 0), range(2), last=False), result(Task(other, ids[1], 0), range(3))])
    failed = TaskResult(Task(*ids, 2), failure=Failure("decode", error.__name__, "it broke"))
    ledger.commit([result(Task(*ids, 1), range(2, 4), last=False), record_of(failed)])
    with open_results(ledger.folder) as results:
        assert len(list(results.frames(source="a.mp4"))) == kept
        assert len(list(results.frames(source="b.mp4"))) == 3
        assert [row.failure.type for row in results.failures()] == [error.__name__]


def test_a_digest_tells_a_touched_file_from_a_changed_one(ledger):
    first = replace(source("a.mp4"), digest="a")
    ids = ledger.add_source(first, Kind.VIDEO), ledger.add_model(MODEL)
    ledger.commit([result(Task(*ids, 0), range(2))])
    touched = replace(first, mtime_ns=2)
    assert ledger.recall(touched) is Kind.VIDEO
    ledger.add_source(touched, Kind.VIDEO)
    assert ledger.task_progress(*ids).complete
    ledger.add_source(replace(touched, digest=""), Kind.VIDEO)
    assert ledger.recall(replace(touched, digest="b")) is None
    ledger.add_source(replace(touched, digest="b"), Kind.VIDEO)
    assert not ledger.task_progress(*ids).complete


def test_equal_names_never_collide(ledger):
    names = []
    for folder in ("a", "b", "c"):
        identity = ledger.add_source(source("x.jpg", path=f"/{folder}/x.jpg"))
        with open_results(ledger.folder) as results:
            names.append(results.source(identity).name)
        names.append(ledger.claim_artifact(identity, "annotated", "X.annotated.jpg"))
    assert names[::2] == ["x.jpg", "x~2.jpg", "x~3.jpg"]
    assert names[1::2] == ["X.annotated.jpg", "X.annotated~2.jpg", "X.annotated~3.jpg"]


def test_new_answers_make_a_copy_stale(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    ledger.claim_artifact(ids[0], "annotated", "a.annotated.mp4")
    ledger.settle_artifact(ids[0], "annotated", done=True)
    with open_results(ledger.folder) as results:
        assert results.artifact_done(ids[0], "annotated")
        ledger.commit([result(Task(*ids, 0), range(2))])
        assert not results.artifact_done(ids[0], "annotated")


def test_a_name_that_is_not_utf8_is_kept(ledger):
    odd = Source(Path("/media/a\udcff.jpg"), "a\\xff.jpg", "a\\xff.jpg", 1, 1, named=True)
    with open_results(ledger.folder) as results:
        assert results.source(ledger.add_source(odd)).path == odd.path


def test_scores_are_rounded_down_as_float32_sees_them():
    """A threshold of five decimals, compared in float32, parts scores as the ledger's numbers do."""
    thresholds = np.random.default_rng(1).integers(0, 100_001, 2000) / 100_000
    exact = thresholds.astype(np.float32)
    below, above = np.nextafter(exact, np.float32(0)), np.nextafter(exact, np.float32(1))
    for threshold, *scores in zip(thresholds, below, exact, above, strict=True):
        kept = score_units([float(score) for score in scores]) / 100_000 >= threshold
        assert kept.tolist() == [bool(score >= np.float32(threshold)) for score in scores]


def test_boxes_beyond_every_image_are_kept_within_the_numbers_of_sqlite(ledger):
    ids = ledger.add_source(source("a.jpg")), ledger.add_model(MODEL)
    far = Prediction(detections=(Detection(Label("cat", 1.0), Box(-1e300, 0, 1e300, 7)),))
    ledger.commit([record_of(TaskResult(Task(*ids, 0), (FrameAnswer(0, 0.0, 0.0, far),)))])
    with open_results(ledger.folder) as results:
        (frame,) = results.frames()
    assert frame.prediction.detections[0].box.bottom == 7
    assert frame.prediction.detections[0].box.right > 1e12


def test_names_get_their_numbers_once(ledger):
    """The model's own list first, in its order; then what it answers beside it."""
    ids = ledger.add_source(source("a.jpg")), ledger.add_model(MODEL, labels=("dog", "cat", "cat", "emu"))
    ledger.commit([result(Task(*ids, 0), range(1), last=False, said=boxes(("yak", 0.5), ("cat", 0.4)))])
    ledger.commit([result(Task(*ids, 1), range(1, 2), said=boxes(("emu", 0.5), ("yak", 0.4)))])
    ledger.add_model(MODEL, labels=("dog", "cat", "cat", "emu"))
    with open_results(ledger.folder) as results:
        assert results.classes(results.models()[0]) == ("dog", "cat", "cat", "emu", "yak")
        names = [[one.label.name for one in frame.prediction.detections] for frame in results.frames()]
    assert names == [["yak", "cat"], ["emu", "yak"]]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be created"):
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
