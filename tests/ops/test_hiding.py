"""What is hidden beside what was detected: nothing that was seen a moment ago, or will be, is shown."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaml.core.prediction import Box, Detection, Label
from mediaml.ops.hiding import Sighting, grown, held, hidden_area, outermost

STEP = 0.04


def seen(*boxes: Box, name: str = "person") -> tuple[Detection, ...]:
    return tuple(Detection(Label(name, 0.9), box) for box in boxes)


def at(x: float, y: float = 0.0) -> Box:
    return Box(x, y, x + 20, y + 20)


def clip(frames: dict[int, tuple[Detection, ...]], count: int = 60) -> list[Sighting]:
    return [Sighting(number * STEP, frames.get(number, ())) for number in range(count)]


def hidden(sightings: list[Sighting], hold_s: float, number: int) -> list[Box]:
    return [one.box for one in held(sightings, hold_s)[number * STEP]]


def covers(boxes: list[Box], box: Box) -> bool:
    return any(
        one.left <= box.left and one.top <= box.top and one.right >= box.right and one.bottom >= box.bottom
        for one in boxes
    )


def test_nothing_is_added_while_an_object_is_seen() -> None:
    sightings = clip({number: seen(at(2 * number)) for number in range(60)})
    assert not any(held(sightings, 0.5).values())


def test_an_object_stays_hidden_before_and_after_it_is_seen() -> None:
    sightings = clip({number: seen(at(100)) for number in range(20, 40)})
    shown = [number for number in range(60) if not covers(hidden(sightings, 0.4, number), at(100))]
    assert shown == [*range(10), *range(20, 40), *range(50, 60)]


def test_between_two_sightings_the_way_is_hidden_and_both_ends() -> None:
    sightings = clip({number: seen(at(6 * number)) for number in range(60) if not 20 < number < 32})
    for number in range(21, 32):
        boxes = hidden(sightings, 0.5, number)
        assert any(
            abs(box.left - 6 * number) < 0.01 and abs(box.right - 6 * number - 20) < 0.01 for box in boxes
        )
        assert covers(boxes, at(120)) and covers(boxes, at(192))


def test_one_who_takes_anothers_place_does_not_uncover_them() -> None:
    both = {number: seen(at(0), at(30)) for number in range(20)}
    one = {number: seen(at(30 + 3 * (number - 20))) for number in range(20, 60)}
    for number in range(20, 30):
        assert covers(hidden(clip(both | one), 0.4, number), at(0))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=4), min_size=1, max_size=25
    ),
    st.sampled_from([0.0, 0.08, 0.2]),
)
def test_what_was_seen_is_hidden_until_it_is_seen_again_or_the_time_is_over(
    frames: list[list[tuple[int, int]]], hold_s: float
) -> None:
    sightings = clip(
        {number: seen(*(at(*xy) for xy in found)) for number, found in enumerate(frames)}, len(frames)
    )
    extra = held(sightings, hold_s)
    assert set(extra) == {one.time_s for one in sightings}
    for one, following in pairwise(sightings):
        boxes = [found.box for found in (*following.detections, *extra[following.time_s])]
        for found in one.detections if hold_s >= STEP else ():
            near = any(
                abs(box.left - found.box.left) < 20 and abs(box.top - found.box.top) < 20 for box in boxes
            )
            assert near or covers(boxes, found.box)


def test_an_area_is_larger_than_its_box_by_the_margin_and_even() -> None:
    area = hidden_area(seen(Box(30, 41, 70, 61))[0], 0.1, 200, 100)
    assert area is not None
    rows, columns = area.pixels.shape
    assert (area.left, area.top) == (26, 36) and area.left + columns >= 74 and area.top + rows >= 65
    assert area.pixels.all()
    assert grown(Box(0, 0, 10, 40), 0.5) == Box(-20, -20, 30, 60)
    assert hidden_area(seen(Box(300, 0, 320, 20))[0], 0.1, 200, 100) is None


def test_only_what_lies_within_a_hidden_box_needs_no_hiding_of_its_own() -> None:
    outer, inner, beside = seen(Box(0, 0, 100, 100), Box(10, 10, 100, 90), Box(90, 0, 101, 10))
    assert outermost([inner, outer, beside]) == [outer, beside]
    assert outermost([outer, outer]) == [outer]
    shaped = replace(outer, outline=(((0.0, 0.0), (100.0, 0.0), (0.0, 100.0)),))
    assert outermost([shaped, inner], by_outline=True) == [shaped, inner]


@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_an_outline_hides_less_than_its_box_but_all_of_itself(margin: float) -> None:
    triangle = ((20.0, 20.0), (80.0, 20.0), (20.0, 80.0))
    found = Detection(Label("person", 0.9), Box(20, 20, 80, 80), outline=(triangle,))
    area = hidden_area(found, margin, 120, 120, by_outline=True)
    whole = hidden_area(found, margin, 120, 120)
    assert area is not None and whole is not None and area.pixels.sum() < whole.pixels.sum()
    inside = {(x, y) for x in range(20, 80) for y in range(20, 80) if x + y < 99}
    assert all(area.pixels[y - area.top, x - area.left] for x, y in inside)
