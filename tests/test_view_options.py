"""Options that only select are marked, run at their floor, and one run covers many views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import pytest

from mediaml.core.view import View
from mediaml.plugin import Meta, view
from mediaml.registry.entry_points import load_registry
from mediaml.registry.options import options_of, options_record
from mediaml.registry.views import at_floor, covers, kept_score, view_marks, view_of


@dataclass(frozen=True)
class Options:
    """One of each."""

    conf: Annotated[float, Meta(ge=0, le=1, extra=view("min_score", floor=0.1))] = 0.5
    classes: Annotated[tuple[str, ...], Meta(extra=view("classes", unless="joint"))] = ()
    top: Annotated[int, Meta(ge=1, extra=view("top", floor=10))] = 1
    most: Annotated[int, Meta(ge=1, extra=view("max_detections", floor=50))] = 20
    size: Annotated[int, Meta(ge=1)] = 640
    joint: bool = False


def record(options: object) -> dict[str, object]:
    return msgspec.json.decode(msgspec.json.encode(options_record(options)))


def test_a_model_is_run_at_the_floor_and_shown_at_what_was_asked():
    asked = Options(conf=0.7, classes=("Cat",), top=3, most=60)
    assert view_of(asked) == View(0.7, ("Cat",), 3, 60)
    assert at_floor(asked) == Options(conf=0.1, classes=(), top=10, most=60)
    assert at_floor(Options(conf=0.01)).conf == 0.01
    assert kept_score(asked) == 0.5
    assert kept_score(Options(conf=0.2)) == 0.2


def test_an_option_that_does_more_under_another_one_is_no_view_there():
    joint = Options(classes=("cat",), joint=True)
    assert "classes" not in view_marks(joint)
    assert at_floor(joint).classes == ("cat",)
    assert view_of(joint).classes == ()


@pytest.mark.parametrize(
    ("kept", "asked", "covered"),
    [
        ({}, {}, True),
        ({"conf": 0.25}, {"conf": 0.4}, True),
        ({"conf": 0.25}, {"conf": 0.25}, True),
        ({"conf": 0.25}, {"conf": 0.1}, False),
        ({"classes": ("Cat", "dog")}, {"classes": ("cat",)}, True),
        ({"classes": ("cat",)}, {"classes": ("cat", "dog")}, False),
        ({"classes": ("cat",)}, {}, False),
        ({"top": 3}, {"top": 2}, True),
        ({"top": 3}, {"top": 4}, False),
        ({"most": 300}, {"most": 20}, True),
        ({"most": 10}, {"most": 20}, False),
        ({"size": 320}, {}, False),
        ({"joint": True}, {}, False),
        ({"joint": True, "classes": ("cat",)}, {"joint": True, "classes": ("cat",)}, True),
        ({"joint": True}, {"joint": True, "classes": ("cat",)}, False),
    ],
)
def test_what_one_run_covers(kept, asked, covered):
    assert covers(record(Options(**kept)), Options(**asked)) is covered


def test_options_of_another_version_of_a_plugin_cover_nothing():
    without = record(Options())
    del without["size"]
    assert not covers(without, Options())


@pytest.mark.parametrize("wrong", [("scores", 0.1), ("min_score", None), ("classes", 0.1)])
def test_a_wrong_mark_is_refused(wrong):
    with pytest.raises(ValueError):
        view(wrong[0], floor=wrong[1])


@pytest.mark.parametrize(
    "spec", [offer.spec for offer in load_registry().offers()], ids=lambda spec: spec.name
)
def test_every_plugin_can_be_run_at_its_floor(spec):
    """The floors are within the options' own bounds, and survive the way to a worker."""
    floor = at_floor(spec.options())
    text = msgspec.json.encode(options_record(floor)).decode()
    assert options_of(spec, text) == floor
    assert covers(record(floor), spec.options())


def test_the_bundled_models_mark_what_only_selects():
    registry = load_registry()
    marked = {
        name: sorted(view_marks(registry.find(name).spec.options())) for name in ("yolo", "digits", "spoken")
    }
    assert marked == {
        "yolo": ["classes", "conf", "max_det"],
        "digits": ["min_score", "top"],
        "spoken": ["min_score"],
    }
    for name, option in (("yolo", "agnostic_nms"), ("digits", "find"), ("spoken", "all")):
        options = replace(registry.find(name).spec.options(), **{option: True})
        assert not {"classes", "min_score"} & set(view_marks(options))
