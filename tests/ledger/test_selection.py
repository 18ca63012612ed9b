"""A selection shows part of what is kept, and refuses what is not there with a way on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.errors import OutputError
from mediaml.core.view import View, select
from mediaml.core.work import Failure, ModelIdentity, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.results import open_results
from mediaml.ledger.selection import ResultSelection, select_results, split_names
from tests.support.ledger_tasks import MODEL, boxes, result, source

MANY = boxes(("cat", 0.9), ("dog", 0.7), ("cat", 0.4), ("Dog, wild", 0.2))
YOLO = ModelIdentity("yolo", "detect", "mediaml_yolo", "mediaml", "1", "y.onnx", "0" * 64, '{"conf":0.05}')


@pytest.fixture
def results(ledger):
    """Two sources and two models, of which one was asked for at 0.5."""
    sources = [ledger.add_source(source(name)) for name in ("in/a.mp4", "in/b.jpg")]
    models = [
        ledger.add_model(MODEL, View(min_score=0.5), ["cat", "dog", "Dog, wild"]),
        ledger.add_model(YOLO, View(0.25), ["cat"]),
    ]
    ledger.commit([result(Task(one, model, 0), range(2), said=MANY) for one in sources for model in models])
    with open_results(ledger.folder) as opened:
        yield opened


def names(results, **chosen):
    found = select_results(results, ResultSelection(**chosen))
    return {
        (frame.source, frame.model): [one.label.name for one in frame.prediction.detections]
        for frame in found.frames()
    }


def test_the_default_shows_what_was_asked_for_last(results):
    shown = names(results)
    assert shown["in/a.mp4", "cats"] == ["cat", "dog"]
    assert shown["in/b.jpg", "yolo"] == ["cat", "dog", "cat"]
    assert shown == {
        (f.source, f.model): [d.label.name for d in f.prediction.detections] for f in results.frames()
    }


def test_scores_may_go_down_to_what_is_kept_and_no_lower(results):
    assert names(results, min_score=0.1)["in/a.mp4", "cats"] == ["cat", "dog", "cat", "Dog, wild"]
    assert names(results, everything=True)["in/a.mp4", "yolo"] == ["cat", "dog", "cat", "Dog, wild"]
    assert names(results, min_score=0.05, models=("yolo",))
    with pytest.raises(OutputError, match=r"yolo was run down to a score of 0\.05.*\n.*yolo\.conf=0\.01"):
        names(results, min_score=0.01)


def test_models_classes_and_sources_are_chosen(results):
    assert set(names(results, models=("yolo",))) == {("in/a.mp4", "yolo"), ("in/b.jpg", "yolo")}
    assert set(names(results, sources=("*.jpg",))) == {("in/b.jpg", "cats"), ("in/b.jpg", "yolo")}
    assert set(names(results, sources=("in/a*", "none"))) == {("in/a.mp4", "cats"), ("in/a.mp4", "yolo")}
    assert names(results, classes=("DOG",), min_score=0.1)["in/a.mp4", "cats"] == ["dog"]
    assert names(results, classes=("dog, wild",), min_score=0.1)["in/a.mp4", "cats"] == ["Dog, wild"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"models": ("catz",)}, "no results of model 'catz'.\nDid you mean 'cats'?"),
        ({"classes": ("cta",)}, "no class 'cta'.\nDid you mean 'cat'?"),
        ({"classes": ("xxxxxx",)}, "no class 'xxxxxx'.\nIt has 3 classes: cat, dog, Dog, wild."),
        ({"classes": ("dog, wild",), "models": ("yolo",)}, None),
        ({"sources": ("*.wav",)}, "no source that matches '*.wav'.\nIt has 2 sources: in/a.mp4, in/b.jpg."),
    ],
)
def test_unknown_names_are_refused_with_a_suggestion(results, wrong, said):
    if said is None:
        assert names(results, **wrong)["in/a.mp4", "yolo"] == []  # yolo's list grew by what it said
        return
    with pytest.raises(OutputError) as caught:
        names(results, **wrong)
    assert str(caught.value).endswith(said)


def test_nonsense_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match="min_score"):
        ResultSelection(min_score=1.5)


def test_failures_are_those_of_selected_sources_and_models(ledger):
    broken = [ledger.add_source(source(name)) for name in ("a.mp4", "b.mp4")]
    models = [ledger.add_model(one) for one in (MODEL, YOLO)]
    failure = Failure("open", "MediaError", "no")
    ledger.commit([record_of(TaskResult(Task(s, m, 0), failure=failure)) for s in broken for m in models])
    with open_results(ledger.folder) as opened:
        selection = ResultSelection(sources=("a*",), models=("yolo",))
        found = list(select_results(opened, selection).failures())
    assert [(row.source.shown, row.model) for row in found] == [("a.mp4", "yolo")]


def test_files_with_weak_detections_left_out_are_counted(ledger):
    of = ledger.add_source(source("a.mp4"))
    model = ledger.add_model(MODEL, View(min_score=0.5))
    ledger.commit([replace(result(Task(of, model, 0), range(1), said=MANY), cut=20_000)])
    with open_results(ledger.folder) as opened:
        low = select_results(opened, ResultSelection(min_score=0.1))
        assert [(row.name, files) for row, files in low.left_out()] == [("cats", 1)]
        assert list(select_results(opened, ResultSelection(min_score=0.3)).left_out()) == []


@given(st.floats(0, 1), st.booleans(), st.lists(st.sampled_from(["cat", "dog"]), unique=True))
def test_a_selection_is_the_view_that_select_applies(score, everything, classes):
    selection = ResultSelection(score, tuple(classes), everything=everything)
    asked = View(0.5, ("emu",), max_detections=2)
    shown = select(MANY, selection.view(asked)).detections
    expected = [
        one
        for one in MANY.detections
        if one.label.score >= score
        and one.label.name in (classes or (["emu"] if not everything else ["cat", "dog", "Dog, wild"]))
    ]
    assert list(shown) == expected[: None if everything else 2]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ("a", "b")),
        (' a , "b, c" ,d', ("a", "b, c", "d")),
        ('"say ""x"""', ('say "x"',)),
        (",,", ()),
        ("", ()),
    ],
)
def test_lists_of_names_are_split_as_csv(text, parts):
    assert split_names(text) == parts
