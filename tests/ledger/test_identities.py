"""Several identities of one model live side by side; a newer version replaces the older one only."""

from __future__ import annotations

from dataclasses import replace

from mediaml.core.view import View
from mediaml.core.work import Failure, Task
from mediaml.ledger.encoding import TaskRecord
from mediaml.ledger.results import open_results
from tests.ledger.conftest import MODEL, NEWER, OTHER, boxes, result, source

LARGER = replace(MODEL, options='{"imgsz":640}')


def shown(ledger, **which):
    with open_results(ledger.folder) as results:
        return [
            (frame.source, frame.prediction.detections[0].label.name) for frame in results.frames(**which)
        ]


def test_a_newer_version_replaces_the_older_one_on_that_source_only(ledger):
    first, second = ledger.add_source(source("a.mp4")), ledger.add_source(source("b.mp4"))
    old, new = ledger.add_model(MODEL), ledger.add_model(NEWER)
    assert old != new
    ledger.commit([result(Task(one, old, 0), range(1), said=boxes(("old", 0.5))) for one in (first, second)])
    ledger.supersede(first, new, restart=False)
    ledger.commit([result(Task(first, new, 0), range(1), said=boxes(("new", 0.5)))])
    assert not ledger.task_progress(first, old).complete
    assert ledger.task_progress(second, old).complete
    # What is not done again yet is shown as the older version left it.
    assert shown(ledger) == [("a.mp4", "new"), ("b.mp4", "old")]


def test_other_weights_and_options_stay_and_what_was_asked_for_is_shown(ledger):
    file = ledger.add_source(source("a.mp4"))
    models = MODEL, OTHER, LARGER
    for model in models:
        number = ledger.add_model(model)
        ledger.supersede(file, number, restart=False)
        ledger.commit([result(Task(file, number, 0), range(1), said=boxes((model.weights, 0.5)))])
    assert all(ledger.task_progress(file, ledger.add_model(model)).complete for model in models)
    ledger.add_model(OTHER)
    assert shown(ledger) == [("a.mp4", "more.onnx")]
    ledger.add_model(MODEL)
    assert shown(ledger) == [("a.mp4", "cats.onnx")]
    with open_results(ledger.folder) as results:
        rows = results.models(current=False)
        assert [row.current for row in rows] == [True, False, False]
        assert [row.options for row in rows] == [{}, {}, {"imgsz": 640}]
    assert shown(ledger, model=rows[1]) == [("a.mp4", "more.onnx")]


def test_a_failure_of_another_identity_is_not_shown(ledger):
    file = ledger.add_source(source("a.mp4"))
    number = ledger.add_model(OTHER)
    ledger.commit([TaskRecord(Task(file, number, 0), failure=Failure("infer", "ValueError", "no"))])
    with open_results(ledger.folder) as results:
        assert len(list(results.failures())) == 1
    ledger.add_model(MODEL)
    with open_results(ledger.folder) as results:
        assert list(results.failures()) == []


def test_another_identity_or_view_makes_copies_out_of_date(ledger):
    file = ledger.add_source(source("a.mp4"))
    ledger.claim_artifact(file, "annotated", "a.annotated.mp4")
    asked = [(MODEL, View(0.25)), (MODEL, View(0.4)), (OTHER, View(0.4)), (MODEL, View(0.25))]
    with open_results(ledger.folder) as results:
        for model, view in asked:
            ledger.add_model(model, view)
            assert not results.artifact_done(file, "annotated")
            ledger.settle_artifact(file, "annotated", done=True)
            ledger.add_model(model, view)
            assert results.artifact_done(file, "annotated")


def test_identities_with_most_finished_sources_come_first(ledger):
    files = [ledger.add_source(source(name)) for name in ("a.mp4", "b.mp4")]
    one, two = ledger.add_model(MODEL), ledger.add_model(OTHER)
    ledger.commit([result(Task(file, one, 0), range(1)) for file in files])
    ledger.commit([result(Task(files[0], two, 0), range(1))])
    ledger.commit([result(Task(files[1], two, 0), range(1), last=False)])
    with open_results(ledger.folder) as results:
        assert results.identities("cats") == [MODEL, OTHER]
        assert results.identities("cats", files[0]) == [MODEL, OTHER]
        assert results.identities("dogs") == []
