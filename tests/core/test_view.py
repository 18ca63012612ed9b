"""A view selects exactly what a model run with it would have answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.errors import OptionError
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.view import View, bounded, class_ids, select

SCORES = st.floats(0, 1, width=32)
NAMES = st.sampled_from(["cat", "Dog", "emu"])
VIEWS = st.builds(
    View,
    min_score=SCORES,
    classes=st.lists(NAMES, max_size=2).map(tuple),
    top=st.none() | st.integers(1, 5),
    max_detections=st.none() | st.integers(1, 5),
)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    """Labels, and detections best first as detectors answer."""
    labels = draw(st.lists(st.builds(Label, NAMES, SCORES), max_size=6))
    found = draw(st.lists(st.builds(Label, NAMES, SCORES), max_size=12))
    ranked = sorted(found, key=lambda label: -label.score)
    boxes = tuple(Detection(label, Box(place, 0, place + 1, 1)) for place, label in enumerate(ranked))
    return Prediction(tuple(labels), boxes)


@given(predictions())
def test_the_default_shows_everything(prediction):
    assert select(prediction, View()) == prediction


@given(predictions(), VIEWS)
def test_what_is_shown_is_in_order_within_bounds_and_nothing_else_is_left_out(prediction, view):
    shown = select(prediction, view)
    for kept, one_of, most in (
        (prediction.labels, shown.labels, view.top),
        (
            [one.label for one in prediction.detections],
            [one.label for one in shown.detections],
            view.max_detections,
        ),
    ):
        wanted = {name.casefold() for name in view.classes}
        fit = [
            label
            for label in kept
            if label.score >= view.min_score and (not wanted or label.name.casefold() in wanted)
        ]
        assert list(one_of) == fit[:most]
    assert select(shown, view) == shown


@given(predictions(), SCORES, st.integers(1, 8))
def test_a_bound_keeps_what_is_asked_for_and_tells_what_is_gone(prediction, keep, most):
    kept, cut = bounded(prediction, keep, most)
    strong = View(min_score=keep)
    assert select(kept, strong) == select(prediction, strong)
    assert len(kept.detections) <= max(most, len(select(prediction, strong).detections))
    if cut is None:
        assert kept == prediction
    else:
        assert len(kept.detections) < len(prediction.detections)
        # Above the cut nothing is missing.
        above = [one for one in prediction.detections if one.label.score > cut]
        assert [one for one in kept.detections if one.label.score > cut] == above


def test_a_threshold_is_compared_in_float32():
    """As models compare: 0.7 in float32 is less than 0.7."""
    nearly = Prediction((Label("cat", 0.699999988079071),))
    assert select(nearly, View(min_score=0.7)) == nearly
    assert select(Prediction((Label("cat", 0.69999992847),)), View(min_score=0.7)).labels == ()


@pytest.mark.parametrize("wrong", [{"min_score": 1.5}, {"top": 0}, {"max_detections": -1}])
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError):
        View(**wrong)


def test_classes_are_found_by_name_in_any_case_then_by_id():
    labels = ("2", "Cat", "dog")
    assert class_ids(("DOG", "2", "1"), labels, "yolo") == (0, 1, 2)
    with pytest.raises(OptionError, match="'yolo' has no class 'dgo'") as caught:
        class_ids(("dgo",), labels, "yolo")
    assert "Did you mean 'dog'?" in caught.value.hint
