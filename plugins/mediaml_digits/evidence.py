"""Context that supports a digit on a page: the word and the line that it is part of.

A stroke in a photo looks like a 1 and the corner of a table like a 7 as often as not. Digits that were
written to be read stand beside others of their size, or have the page to themselves. Pure functions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

OVERLAP = 0.5  # share of the smaller box, above which two digits cannot both stand
NUMBER = 0.5  # share of digits in a word, with which it is a number: 7a, B4
MOSTLY_NUMBER = 0.75  # the same, where two or more of its parts are not digits
A_ONE = 0.3  # what a 1 counts in a word that has letters: it may be an l or an I
GLUED = 0.35  # gap over height, below which two things belong to one word
NEAR = 2.0  # gap over height, below which two digits stand on one line, as in the boxes of a form
ALIKE = 1.45  # ratio of heights, up to which digits were written together
CALM = 3  # other things of a page, up to which it is not crowded
SURE_ALONE = 0.99  # score of a digit that stands alone on a crowded page


@dataclass(frozen=True, slots=True)
class FoundDigit:
    """A digit on a page: which (0..9), how sure (0..1), and its box in source pixels."""

    digit: int
    score: float
    box: tuple[float, float, float, float]

    @property
    def height(self) -> float:
        """Pixels."""
        return self.box[3] - self.box[1]

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.box[2] - self.box[0]) * self.height


def overlap_share(first: FoundDigit, second: FoundDigit) -> float:
    """Intersection over the smaller of the two areas, 0..1."""
    width = min(first.box[2], second.box[2]) - max(first.box[0], second.box[0])
    height = min(first.box[3], second.box[3]) - max(first.box[1], second.box[1])
    smaller = min(first.area, second.area)
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 0.0


def glued(one: FoundDigit, other: FoundDigit) -> bool:
    """Whether two things stand so near on one line, and are so alike in height, that they share a word."""
    gap = max(one.box[0], other.box[0]) - min(one.box[2], other.box[2])
    shared = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    lower, higher = sorted((one.height, other.height))
    return higher < 1.9 * lower and -0.5 * lower < gap < GLUED * higher and shared > 0.4 * lower


def words(things: Sequence[FoundDigit]) -> list[list[int]]:
    """Which things are glued together, directly or through others: positions in `things`."""
    word = list(range(len(things)))
    by_left = sorted(word, key=lambda place: things[place].box[0])
    for rank, place in enumerate(by_left):
        for near in by_left[rank + 1 :]:
            if things[near].box[0] > things[place].box[2] + things[place].height:
                break
            if word[near] != word[place] and glued(things[place], things[near]):
                old, new = word[near], word[place]
                word = [new if mark == old else mark for mark in word]
    gathered: dict[int, list[int]] = defaultdict(list)
    for place, mark in enumerate(word):
        gathered[mark].append(place)
    return list(gathered.values())


def out_of_words(digits: Sequence[FoundDigit], others: Sequence[FoundDigit]) -> list[FoundDigit]:
    """Digits without those in words, that is, among parts that are mostly not digits, where an S is not a 5.

    Things that overlap a digit are other readings of it, not letters beside it. A 1 among letters counts
    little: three strokes behind an H are a Hill.
    """
    apart = [other for other in others if all(overlap_share(other, one) <= OVERLAP for one in digits)]
    things = [*digits, *apart]
    kept: list[int] = []
    for word in words(things):
        numbers = [place for place in word if place < len(digits)]
        letters = len(word) - len(numbers)
        weight = sum(A_ONE if letters and digits[place].digit == 1 else 1.0 for place in numbers)
        if numbers and weight >= (NUMBER if letters < 2 else MOSTLY_NUMBER) * (weight + letters):
            kept += numbers
    return [digits[place] for place in sorted(kept)]


def likely_ones(digits: Sequence[FoundDigit]) -> list[FoundDigit]:
    """Digits without the ones that no other digit of the page is like in height.

    A lone stroke may be a 1 or the edge of anything; among digits of its size it is a 1. A page of at most
    four strokes and nothing else is believed.
    """
    heights = np.array([one.height for one in digits if one.digit != 1])
    if not heights.size:
        return list(digits) if len(digits) <= 4 else []
    return [
        one
        for one in digits
        if one.digit != 1 or bool(((heights > 0.6 * one.height) & (heights < 1.6 * one.height)).any())
    ]


def together(one: FoundDigit, other: FoundDigit) -> bool:
    """Whether two digits stand on one line, near each other and alike in height."""
    lower, higher = sorted((one.height, other.height))
    shared = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    gap = max(one.box[0], other.box[0]) - min(one.box[2], other.box[2])
    alike = higher < ALIKE * lower and shared > 0.5 * lower and gap < NEAR * higher
    return alike and overlap_share(one, other) <= OVERLAP


def supported(digits: Sequence[FoundDigit], others: Sequence[FoundDigit]) -> list[FoundDigit]:
    """The digits of a page that their context supports.

    Where there is little else to see (`CALM`), all of them. On a crowded page, which may be a photo, those
    with another digit beside them, and those that are very sure (`SURE_ALONE`). A 1 needs a neighbour
    other than 1: rows of strokes are fences and blinds.

    Args:
        digits: of one polarity.
        others: candidates of that polarity that are not digits.
    """
    if len(others) <= CALM:
        return list(digits)
    beside = [[other for other in digits if other is not one and together(one, other)] for one in digits]
    return [
        one
        for one, near in zip(digits, beside, strict=True)
        if any(other.digit != 1 for other in near) or (one.digit != 1 and (near or one.score >= SURE_ALONE))
    ]
