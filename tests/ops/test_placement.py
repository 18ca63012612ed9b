"""Where tags go: in the image, on even pixels, clear of one another and of other boxes if there is room."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from mediaml.ops.placement import Rect, place_tags

WIDTH, HEIGHT = 640, 360


def overlap(one: Rect, other: Rect) -> int:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, across) * max(0, down)


def placed(boxes: list[Rect], size: tuple[int, int], taken: tuple[Rect, ...] = ()) -> list[Rect]:
    places = place_tags(boxes, [size] * len(boxes), taken, WIDTH, HEIGHT)
    return [(x, y, x + size[0], y + size[1]) for x, y in places]


def test_a_box_alone_has_its_tag_above_it() -> None:
    assert placed([(100, 100, 200, 200)], (80, 20)) == [(100, 80, 180, 100)]


def test_without_boxes_there_are_no_tags() -> None:
    assert place_tags([], [], [(0, 0, 9, 9)], WIDTH, HEIGHT) == []


def test_eight_equal_boxes_have_tags_that_do_not_meet() -> None:
    tags = placed([(200, 100, 440, 260)] * 8, (60, 20))
    assert not any(overlap(*pair) for pair in combinations(tags, 2))


def test_a_tag_avoids_the_other_box() -> None:
    """Above the lower box is the upper one."""
    upper, lower = (100, 60, 300, 140), (100, 140, 300, 220)
    tags = placed([lower, upper], (80, 20))
    assert overlap(tags[0], upper) == 0
    assert overlap(tags[1], lower) == 0


def test_a_tag_avoids_what_is_taken() -> None:
    taken = (0, 0, 300, 100)
    assert overlap(placed([(100, 100, 200, 200)], (80, 20), (taken,))[0], taken) == 0


RECTS = st.tuples(st.integers(0, 600), st.integers(0, 320), st.integers(1, 640), st.integers(1, 360)).map(
    lambda r: (r[0], r[1], min(WIDTH, r[0] + r[2]), min(HEIGHT, r[1] + r[3]))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECTS, min_size=1, max_size=12))
def test_tags_are_in_the_image_on_even_pixels_and_the_same_every_time(boxes: list[Rect]) -> None:
    tags = placed(boxes, (120, 24))
    assert tags == placed(boxes, (120, 24))
    for left, top, right, bottom in tags:
        assert left % 2 == top % 2 == 0
        assert left >= 0 and top >= 0 and right <= WIDTH and bottom <= HEIGHT
