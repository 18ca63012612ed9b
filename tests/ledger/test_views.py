"""The ledger shows what a view selects, and knows what it does not hold."""

from __future__ import annotations

from mediaml.core.prediction import Prediction
from mediaml.core.view import View, bounded, select
from mediaml.core.work import FrameAnswer, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.results import open_results
from tests.ledger.conftest import MODEL, boxes, result, source

MANY = boxes(("cat", 0.9), ("dog", 0.7), ("cat", 0.4), ("Dog", 0.4), ("emu", 0.05))


def committed(ledger, said: Prediction = MANY, view: View | None = None) -> Task:
    task = Task(ledger.add_source(source("a.jpg")), ledger.add_model(MODEL, view or View()), 0)
    ledger.commit([result(task, range(3), said=said)])
    return task


def test_a_view_of_the_ledger_is_the_selection_from_what_it_holds(ledger):
    committed(ledger)
    views = [
        View(),
        View(0.4),
        View(0.40001),
        View(classes=("DOG",)),
        View(classes=("yak",)),
        View(max_detections=2),
        View(0.1, ("dog",), 1, 1),
        View(1.0),
    ]
    with open_results(ledger.folder) as results:
        for view in views:
            assert [frame.prediction for frame in results.frames(view=view)] == [select(MANY, view)] * 3


def test_the_view_asked_for_last_is_shown(ledger):
    committed(ledger, view=View(0.5))
    with open_results(ledger.folder) as results:
        assert {len(frame.prediction.detections) for frame in results.frames()} == {2}
        assert results.models()[0].view == results.view("cats") == View(0.5)
        ledger.add_model(MODEL, View(0.5, ("dog",)))
        assert {len(frame.prediction.detections) for frame in results.frames()} == {1}
        assert results.view("dogs") is None


def test_what_was_left_out_is_asked_for_again(ledger):
    """A crowd of weak boxes is bounded; a threshold down among them is not done, one above is."""
    kept, cut = bounded(MANY, keep=0.5, most=3)
    assert cut == 0.4
    ids = ledger.add_source(source("a.jpg")), ledger.add_model(MODEL)
    answer = FrameAnswer(0, 0.0, 0.0, kept, cut)
    ledger.commit([record_of(TaskResult(Task(*ids, 0), (answer,)))])
    assert ledger.task_progress(*ids).complete
    assert ledger.task_progress(*ids, View(0.40001)).complete
    for lower in (0.4, 0.1):
        progress = ledger.task_progress(*ids, View(lower))
        assert progress.cut
        assert (progress.complete, progress.next_slice, progress.frames) == (False, 0, 0)
    ledger.supersede(*ids, restart=True)
    ledger.commit([result(Task(*ids, 0), range(1), said=MANY)])
    assert ledger.task_progress(*ids, View(0.1)).complete


def test_embeddings_and_times_are_never_selected(ledger):
    committed(ledger, view=View(1.0, ("yak",), 1, 1))
    with open_results(ledger.folder) as results:
        assert [(frame.frame, frame.time_s) for frame in results.frames()] == [(0, 0.0), (1, 0.1), (2, 0.2)]
