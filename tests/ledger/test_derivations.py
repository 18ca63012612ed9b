"""Derived rows follow what they were derived from, are checked, and are dropped where they are damaged."""

from __future__ import annotations

import sqlite3

import pytest

from mediaml.core.errors import OutputError
from mediaml.core.view import View
from mediaml.core.work import Failure, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.repair import repair
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME
from mediaml.ledger.track_rows import has_tracks, track_points, untracked
from tests.support.ledger_tasks import MODEL, NEWER, boxes, derive, result, source

SAID = boxes(("cat", 0.9), ("dog", 0.7))
SLICES, FRAMES = 4, 10


def fill(ledger: Ledger, options: str = "{}") -> tuple[int, int, int]:
    """A source of four slices whose detections are numbered 10 and 11; returns source, model, derivation."""
    model, file = ledger.add_model(MODEL, View(0.5), ("cat", "dog")), ledger.add_source(source("a.mp4"))
    for number in range(ledger.task_progress(file, model).next_slice, SLICES):
        frames = range(number * FRAMES, number * FRAMES + FRAMES)
        ledger.commit([result(Task(file, model, number), frames, last=number == SLICES - 1, said=SAID)])
    return file, model, derive(ledger, file, model, options)


def tracks(ledger: Ledger) -> list[int | None]:
    with open_results(ledger.folder) as results:
        return [found.track for frame in results.frames(view=View()) for found in frame.prediction.detections]


def test_derived_numbers_are_shown_everywhere(ledger):
    file, model, number = fill(ledger)
    assert tracks(ledger) == [10, 11] * SLICES * FRAMES
    assert ledger.derivations.progress(file, model, number).state == b"after 3"
    with sqlite3.connect(ledger.folder / FILE_NAME) as db:
        rows = db.execute("SELECT frame, n, label, track FROM detections WHERE frame = 12").fetchall()
        assert rows == [(12, 0, "cat", 10), (12, 1, "dog", 11)]
    with open_results(ledger.folder) as results:
        points = track_points(results, file, model)
        assert [(track, rows.stop - rows.start) for track, rows in points.spans()] == [(10, 40), (11, 40)]
        assert points.times[:3].tolist() == [0.0, 0.1, 0.2]
        assert points.boxes[0].tolist() == [1, 2, 3, 4]
        assert has_tracks(results, model)
        # The copies that were drawn are out of date.
    copy = ledger.claim_artifact(file, "annotated", "a.mp4")
    (ledger.folder / copy).write_bytes(b"drawn")
    ledger.settle_artifact(file, "annotated", done=True)
    with open_results(ledger.folder) as results:
        assert results.artifact_done(file, "annotated")
        derive(ledger, file, model, '{"other":1}')
        assert not results.artifact_done(file, "annotated")


def test_the_derivation_asked_for_last_is_shown_and_the_other_is_kept(ledger):
    file, model, number = fill(ledger)
    other = ledger.derivations.ask("tracks", '{"other":1}', "1", ["cats"])
    assert other != number
    assert tracks(ledger) == [None, None] * SLICES * FRAMES
    assert derive(ledger, file, model, "{}") == number
    assert tracks(ledger) == [10, 11] * SLICES * FRAMES
    assert ledger.derivations.ask("tracks", "{}", "2", ["cats"]) not in (number, other)


def test_rows_go_with_the_results_that_they_are_of(ledger):
    file, model, number = fill(ledger)
    failure = Failure("decode", "MediaError", "broken")
    ledger.commit([record_of(TaskResult(Task(file, model, 2), failure=failure))])
    progress = ledger.derivations.progress(file, model, number)
    assert (progress.next_slice, progress.state) == (2, b"after 1")
    assert ledger.derivations.ready_slices(file, model) == 2
    ledger.supersede(file, model, restart=True)
    assert ledger.derivations.progress(file, model, number).next_slice == 0
    for table in ("derived_slice", "track"):
        assert ledger._db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_newer_version_of_the_model_is_derived_by_the_same_derivation(ledger):
    file, _, number = fill(ledger)
    newer = ledger.add_model(NEWER, View(0.5), ("cat", "dog"))
    ledger.supersede(file, newer, restart=False)
    ledger.commit([result(Task(file, newer, 0), range(FRAMES), said=SAID)])
    with open_results(ledger.folder) as results:
        assert tracks(ledger) == [None, None] * FRAMES
        assert untracked(results, newer) == 0  # not a video, as far as the ledger knows
    assert derive(ledger, file, newer, "{}") == number
    assert tracks(ledger) == [10, 11] * FRAMES


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE track SET track = 99 WHERE frame = 3 AND n = 1",
        "DELETE FROM track WHERE frame = 31",
        "INSERT INTO track SELECT source, model, frame, n, derivation + 1, track FROM track WHERE frame = 5",
        "UPDATE derived_slice SET state = x'00' WHERE slice = 1",
        "DELETE FROM derived_slice WHERE slice = 2",
        "UPDATE derivation SET options = '[]'",
        "DELETE FROM derivation",
        "UPDATE meta SET value = '2' WHERE key = 'derived tracks cats'",
    ],
)
def test_damage_is_noticed_and_a_repair_keeps_all_predictions(ledger, damage):
    file, model, _ = fill(ledger)
    before = tracks(ledger)
    ledger.close()
    with sqlite3.connect(ledger.folder / FILE_NAME) as db:
        assert db.execute(damage).rowcount > 0
    with pytest.raises(OutputError) as caught:
        open_results(ledger.folder)
    assert "--repair" in caught.value.hint
    done = repair(ledger.folder)
    assert (done.kept, done.dropped) == (SLICES, 0)
    assert repair(ledger.folder).problem == ""
    with Ledger(ledger.folder) as again:
        assert again.task_progress(file, model).complete
        fill(again)
        assert tracks(again) == before


def test_a_changed_number_is_noticed_where_it_is_read(ledger):
    """Also in a ledger that is too large to be checked when it is opened."""
    file, model, _ = fill(ledger)
    with sqlite3.connect(ledger.folder / FILE_NAME) as db:
        db.execute("UPDATE track SET track = 99 WHERE frame = 3 AND n = 1")
    for read in (
        lambda results: list(results.frames()),
        lambda results: track_points(results, file, model),
    ):
        with (
            pytest.raises(OutputError, match=r"derived for a\.mp4 does not match its checksum"),
            open_results(ledger.folder, checked=False) as results,
        ):
            read(results)


def test_a_repair_keeps_what_is_sound_of_the_derived(ledger):
    file, model, number = fill(ledger)
    other = derive(ledger, file, model, '{"other":1}')
    ledger.close()
    with sqlite3.connect(ledger.folder / FILE_NAME) as db:
        db.execute("UPDATE track SET track = 99 WHERE frame = 3 AND derivation = ?", (other,))
    assert repair(ledger.folder).damaged
    with Ledger(ledger.folder) as again:
        assert again.derivations.progress(file, model, number).next_slice == SLICES
        assert again.derivations.progress(file, model, other).next_slice == 0
