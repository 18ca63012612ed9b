"""The digits plugin: any picture as MNIST was made, pages in reading order, and the bundled net."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mediaml.plugin import Detection, Label, Prediction
from mediaml.testing import frame
from mediaml_digits.evidence import FoundDigit, out_of_words, supported
from mediaml_digits.ink import ground_surfaces, quantile, row_medians
from mediaml_digits.model import packed, unpacked
from mediaml_digits.normalise import normalise, normalise_all, stroke_width
from mediaml_digits.page import Candidates, candidates_of
from mediaml_digits.parts import cut, parts_of
from mediaml_digits.reading import best_cut, read, reading_order, without_overlap
from tests.support.plugins.digits import STROKES, drawn, lit, model, row


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of two pictures, 1 for the same, at the best shift by a pixel (centres are rounded)."""
    shifts = [np.roll(second, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(first.ravel(), shifted.ravel())[0, 1]) for shifted in shifts)


@pytest.mark.parametrize("digit", list(STROKES))
def test_normalised_as_mnist_was_made(digit: int) -> None:
    """20 pixels in the longer side, centre of mass at index 14, white on black."""
    image = normalise(drawn(digit))
    rows, columns = np.flatnonzero(image.max(axis=1) > 40), np.flatnonzero(image.max(axis=0) > 40)
    assert image.dtype == np.uint8 and image.shape == (28, 28)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    mass = image.astype(float) / image.sum()
    assert mass.sum(axis=1) @ np.arange(28) == pytest.approx(14, abs=0.6)
    assert mass.sum(axis=0) @ np.arange(28) == pytest.approx(14, abs=0.6)
    assert image.max() == 255 and image[0].max() == 0


@pytest.mark.parametrize("digit", list(STROKES))
def test_size_place_polarity_and_light_do_not_matter(digit: int) -> None:
    plain = normalise(drawn(digit))
    away = np.full((500, 700), 255, np.uint8)
    small = drawn(digit, 90, margin=0.05)
    away[330 : 330 + small.shape[0], 520 : 520 + small.shape[1]] = small
    assert likeness(plain, normalise(drawn(digit, 600))) > 0.95
    assert likeness(plain, normalise(255 - drawn(digit))) > 0.98
    assert likeness(plain, normalise(lit(drawn(digit), 0.5))) > 0.95
    assert likeness(plain, normalise(away)) > 0.85


def test_thin_strokes_are_thickened_and_thick_ones_thinned() -> None:
    widths = [stroke_width(normalise(drawn(3, 300, pen)) > 100) for pen in (0.012, 0.1, 0.2)]
    assert widths[0] > 1.0
    assert max(widths) < 3 * min(widths)


def test_a_normalised_picture_stays_what_it_is() -> None:
    once = normalise(drawn(5))
    assert likeness(once, normalise(once)) > 0.97


def test_shadow_edge_is_not_ink() -> None:
    page = drawn(2, 200).astype(float)
    page[:, : page.shape[1] // 2] *= 0.6
    assert likeness(normalise(drawn(2, 200)), normalise(page.astype(np.uint8))) > 0.9


def test_the_edge_of_a_shadow_on_a_blank_page_is_nothing() -> None:
    page = np.full((200, 200), 220.0)
    page += np.random.default_rng(2).normal(0, 3, page.shape)
    page[:, 130:] *= 0.6
    assert normalise(cv2.GaussianBlur(page, (0, 0), 3).astype(np.uint8)).max() == 0


def test_a_tight_crop_is_no_edge() -> None:
    for digit in STROKES:
        assert likeness(normalise(drawn(digit)), normalise(drawn(digit, margin=0.06))) > 0.8


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_page_is_black(level: int) -> None:
    assert normalise(np.full((90, 120, 3), level, np.uint8)).max() == 0


@settings(deadline=None, max_examples=60)
@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_any_picture_has_an_answer(image: np.ndarray) -> None:
    seen = normalise(image)
    assert seen.dtype == np.uint8 and seen.shape == (28, 28)
    assert len(candidates_of(image).pictures) == len(candidates_of(image))


def test_surface_finds_a_slope_under_ink() -> None:
    page = drawn(3, 100).astype(np.float32)
    light = np.linspace(0, -60, page.shape[1], dtype=np.float32)
    assert np.abs(ground_surfaces([page * 0.8 + light])[0] - (204 + light)).mean() < 3


@pytest.mark.parametrize("side", [28, 60, 300])
def test_images_normalised_together_are_those_normalised_alone(side: int) -> None:
    images = [drawn(digit, side) for digit in STROKES] + [np.full_like(drawn(1, side), 200)]
    together = normalise_all(images)
    assert all((normalise(image) == one).all() for image, one in zip(images, together, strict=True))


@given(arrays(np.float32, st.integers(1, 40), elements=st.floats(0, 255, width=32)), st.floats(0, 1))
def test_quantiles_and_medians_are_those_of_numpy(values: np.ndarray, share: float) -> None:
    assert quantile(values, share) == np.quantile(values, share)
    assert row_medians(values[None])[0] == np.median(values)


def test_candidates_hold_every_digit_of_a_row() -> None:
    page, middles = row([1, 2, 3, 5, 7])
    candidates = candidates_of(lit(page))
    centres = (candidates.boxes[:, 0] + candidates.boxes[:, 2]) / 2
    for middle in middles:
        assert np.abs(centres - middle).min() < 8


def test_lines_and_specks_are_no_candidates() -> None:
    page = np.full((200, 400), 255, np.uint8)
    cv2.line(page, (10, 50), (390, 50), 0, 3)
    cv2.circle(page, (200, 120), 2, 0, -1)
    assert len(candidates_of(page)) == 0


def test_touching_digits_are_cut_between() -> None:
    mask = np.zeros((40, 50), bool)
    mask[5:35, 2:20] = mask[5:35, 28:46] = True
    mask[18:21, 20:28] = True
    (part,) = parts_of(mask)
    first, second = cut(part, 2)
    assert first.box[2] <= 29 and second.box[0] >= 20


def test_packing_keeps_the_candidates() -> None:
    candidates = candidates_of(row([2, 7])[0])
    again = unpacked(packed(candidates))
    assert len(packed(candidates)) % 64 == 0
    for name in Candidates.__slots__:
        assert np.array_equal(getattr(candidates, name), getattr(again, name))


def at(digit: int, left: float, top: float, score: float = 0.9, height: float = 20.0) -> FoundDigit:
    return FoundDigit(digit, score, (left, top, left + 12, top + height))


def test_reading_order_follows_sloping_lines() -> None:
    slope = 0.3
    page = [
        at(number % 10, 30 * number, 40 * line + slope * 30 * number)
        for line in range(3)
        for number in range(9)
    ]
    mixed = [page[place] for place in np.random.default_rng(1).permutation(len(page))]
    assert [one.digit for one in reading_order(mixed)] == 3 * list(range(9))


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 500), st.floats(0, 500)), max_size=20))
def test_reading_order_loses_nothing(places: list[tuple[int, float, float]]) -> None:
    page = [at(*place) for place in places]
    assert sorted(reading_order(page), key=repr) == sorted(page, key=repr)


def test_what_looks_like_a_digit_in_a_word_is_none() -> None:
    """A lone 0, the number 10, a 7 with a letter behind it, and a word of five letters read 5, -, 1, -, -."""
    alone, number, house = at(0, 0, 0), [at(1, 100, 0), at(0, 114, 0)], at(7, 200, 0)
    word, letters = (
        [at(5, 300, 0), at(1, 330, 0)],
        [at(4, 314, 0), at(4, 344, 0), at(4, 358, 0), at(9, 214, 0)],
    )
    assert out_of_words([alone, *number, house, *word], letters) == [alone, *number, house]


def test_three_strokes_behind_a_letter_are_no_number() -> None:
    """Hill, read -, 1, 1, 1; and 1a, which is as likely an la."""
    hill = [at(1, 14, 0), at(1, 28, 0), at(1, 42, 0)]
    assert out_of_words(hill, [at(4, 0, 0)]) == []
    assert out_of_words([at(1, 0, 0)], [at(4, 14, 0)]) == []
    assert out_of_words([at(7, 0, 0)], [at(4, 14, 0)]) == [at(7, 0, 0)]


def crowd(many: int) -> list[FoundDigit]:
    return [at(4, 50.0 * number, 400) for number in range(many)]


def test_alone_in_a_crowd_a_digit_must_be_very_sure() -> None:
    assert supported([at(7, 0, 0, 0.9)], crowd(3)) == [at(7, 0, 0, 0.9)]
    assert supported([at(7, 0, 0, 0.9)], crowd(20)) == []
    assert supported([at(7, 0, 0, 0.995)], crowd(20)) == [at(7, 0, 0, 0.995)]
    assert supported([at(1, 0, 0, 0.999)], crowd(20)) == []


def test_digits_of_a_line_support_each_other_and_strokes_do_not() -> None:
    number, boxes = [at(1, 0, 0), at(2, 30, 0)], [at(3, 200, 2), at(5, 235, 0)]
    assert supported([*number, *boxes], crowd(20)) == [*number, *boxes]
    assert supported([at(1, 0, 0), at(1, 14, 0), at(1, 28, 0)], crowd(20)) == []
    assert supported([at(3, 0, 0), at(5, 20, 0, height=60)], crowd(20)) == []


def test_of_digits_on_one_another_the_surest_stays() -> None:
    assert [
        one.digit for one in without_overlap([at(3, 0, 0, 0.6), at(8, 2, 1, 0.9), at(1, 40, 0, 0.5)])
    ] == [8, 1]


def probabilities_of(best: list[tuple[int, float]]) -> np.ndarray:
    table = np.zeros((len(best), 11), np.float32)
    for place, (digit, score) in enumerate(best):
        table[place, digit], table[place, 10] = score, 1 - score
    return table


def candidates_at(
    boxes: list[tuple[float, ...]], layers: list[int], groups: list[int], cuts: list[int]
) -> Candidates:
    pictures = np.zeros((len(boxes), 28, 28), np.uint8)
    return Candidates(
        pictures, np.array(boxes, np.float32), np.array(layers), np.array(groups), np.array(cuts)
    )


def test_a_cut_stands_when_its_worst_piece_is_surer_than_the_whole() -> None:
    boxes = [(0.0, 0, 24, 20), (0.0, 0, 12, 20), (12.0, 0, 24, 20)]
    candidates = candidates_at(boxes, [0, 0, 0], [0, 0, 0], [0, 2, 2])
    assert best_cut(candidates, probabilities_of([(8, 0.3), (3, 0.95), (7, 0.85)]), range(3)) == [1, 2]
    assert best_cut(candidates, probabilities_of([(8, 0.9), (3, 0.95), (7, 0.85)]), range(3)) == [0]
    assert best_cut(candidates, probabilities_of([(8, 0.3), (1, 0.95), (1, 0.95)]), range(3)) == [0]


def test_only_the_stronger_polarity_of_a_page_is_read() -> None:
    candidates = candidates_at([(0.0, 0, 20, 30), (5.0, 5, 15, 25)], [0, 1], [0, 1], [0, 0])
    found = read(candidates, probabilities_of([(0, 0.9), (1, 0.95)]), 0.5)
    assert [one.digit for one in found] == [0]


@pytest.mark.parametrize("digit", list(STROKES))
def test_the_bundled_net_reads_drawn_digits(digit: int) -> None:
    for picture in (drawn(digit), lit(drawn(digit, 700)), 255 - drawn(digit, 40)):
        [answer] = model().predict([frame(picture)])
        assert isinstance(answer, Prediction)
        assert [label.name for label in answer.labels] == [str(digit)]


def test_a_blank_is_not_a_digit() -> None:
    [answer] = model(top=11, min_score=0.0).predict([frame(np.full((80, 80), 230, np.uint8))])
    assert isinstance(answer, Prediction)
    assert answer.labels[0].name == "not a digit" and answer.labels[0].score > 0.9
    assert len(answer.labels) == 11
    assert sum(label.score for label in answer.labels) == pytest.approx(1, abs=1e-4)


def test_find_answers_with_boxes_in_reading_order() -> None:
    upper, lower = row([3, 5, 7])[0], row([2, 1, 3])[0]
    width = max(upper.shape[1], lower.shape[1])
    lines = [
        np.pad(line, ((0, 0), (0, width - line.shape[1])), constant_values=255) for line in (upper, lower)
    ]
    [answer] = model(find=True).predict([frame(lit(np.vstack(lines)))])
    assert isinstance(answer, Prediction) and not answer.labels
    assert [found.label.name for found in answer.detections] == list("357213")
    for found in answer.detections:
        assert isinstance(found, Detection) and isinstance(found.label, Label)
        assert found.box.bottom - found.box.top == pytest.approx(66, abs=8)


def test_find_keeps_source_pixels_on_large_pages() -> None:
    page = np.full((2400, 3200), 255, np.uint8)
    digit = drawn(5, 400, margin=0.1)
    page[1500 : 1500 + digit.shape[0], 2000 : 2000 + digit.shape[1]] = digit
    [answer] = model(find=True).predict([frame(page)])
    assert isinstance(answer, Prediction)
    [found] = answer.detections
    assert found.label.name == "5"
    assert found.box.left == pytest.approx(2040 - 20, abs=12) and found.box.top == pytest.approx(
        1540 - 20, abs=12
    )


def test_a_blank_page_holds_no_digits() -> None:
    [answer] = model(find=True).predict([frame(np.full((300, 400), 200, np.uint8))])
    assert answer == Prediction()
