"""Colours of labels: the same everywhere, and far apart, measured by CIEDE2000."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from mediaml.onnx.coco import COCO_NAMES
from mediaml.ops.palette import COCO_COLORS, SPELLINGS, color_of
from scripts.palette import (
    COLOR_BLIND_EYES,
    VIVID,
    Array,
    ciede2000,
    color_blind_differences,
    differences,
    seen_together,
)

PLACES = {name: place for place, name in enumerate(COCO_NAMES)}


def coco() -> Array:
    return np.array([color_of(name) for name in COCO_NAMES], dtype=np.float64)


def difference(one: str, other: str) -> float:
    return float(differences(np.array([color_of(one), color_of(other)], dtype=np.float64))[0, 1])


# From table 1 of Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula", 2005.
@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ],
)
def test_the_measure_agrees_with_its_published_data(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    assert float(ciede2000(np.array(one), np.array(other))) == pytest.approx(expected, abs=1e-4)


def test_any_two_classes_of_coco_can_be_told_apart() -> None:
    assert list(COCO_COLORS) == list(COCO_NAMES)
    apart = differences(coco())[np.triu_indices(len(COCO_NAMES), 1)]
    assert apart.min() >= 8.4  # 0.7 where colours are hashed from names


def test_classes_that_are_seen_together_are_far_apart_to_colour_blind_eyes_too() -> None:
    pairs = [(PLACES[one], PLACES[other]) for one, other in seen_together()]
    assert len(pairs) > 600
    apart = differences(coco())
    assert min(apart[pair] for pair in pairs) >= 17
    for eyes in COLOR_BLIND_EYES:
        blind = differences(coco(), eyes)
        assert min(blind[pair] for pair in pairs) >= 8.4


def test_the_most_common_classes_are_furthest_apart() -> None:
    pairs = list(combinations(sorted(VIVID), 2))
    assert min(difference(one, other) for one, other in pairs) >= 18
    blind = color_blind_differences(coco())
    assert min(blind[PLACES[one], PLACES[other]] for one, other in pairs) >= 11
    assert min(difference(*pair) for pair in combinations(("car", "truck", "bus"), 2)) >= 37
    assert min(difference("person", name) for name in COCO_NAMES[1:]) >= 18


def test_a_label_has_the_same_color_in_every_process() -> None:
    names = ("person", "汉", "no class of coco")
    code = f"from mediaml.ops.palette import color_of; print([color_of(name) for name in {names!r}])"
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONIOENCODING": "utf-8"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == str([color_of(name) for name in names])
    assert color_of("person") == (238, 34, 136)  # on record: files of different versions agree


def test_one_class_under_two_names_has_one_color() -> None:
    for spelling, name in SPELLINGS.items():
        assert color_of(spelling) == color_of(name)
    assert color_of("Person") == color_of("PERSON ") == color_of("person")


def test_numbers_count_through_the_palette() -> None:
    digits = differences(np.array([color_of(str(number)) for number in range(10)], dtype=np.float64))
    assert digits[np.triu_indices(10, 1)].min() >= 11
    assert color_of("80") == color_of("0") and color_of("9" * 5000)


def test_two_unknown_names_rarely_look_alike() -> None:
    colors = np.array([color_of(f"thing {number}") for number in range(400)], dtype=np.float64)
    alike = differences(colors)[np.triu_indices(400, 1)] < 8.5
    assert alike.mean() < 0.02  # 0.07 where hue, lightness and saturation are hashed
