"""From candidates and what the net says of them to digits in reading order. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mediaml.plugin import Float32Array
from mediaml_digits.page import Candidates

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OVERLAP = 0.5  # share of the smaller box, above which two digits cannot both stand
CUT_SCORE = 0.8  # of the worst piece of a cut, without which a whole is not cut
SURE_CUT = 0.95  # the same, where one of the pieces is a 1
NUMBER = 0.5  # share of digits in a word, with which it is a number: 7a, B4
MOSTLY_NUMBER = 0.75  # the same, where two or more of its things are no digits
GLUED = 0.35  # gap over height, below which two things belong to one word


@dataclass(frozen=True, slots=True)
class Found:
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


def overlap_share(first: Found, second: Found) -> float:
    """Intersection over the smaller of the two areas, 0..1."""
    width = min(first.box[2], second.box[2]) - max(first.box[0], second.box[0])
    height = min(first.box[3], second.box[3]) - max(first.box[1], second.box[1])
    smaller = min(first.area, second.area)
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 0.0


def found_at(candidates: Candidates, probabilities: Float32Array, place: int) -> Found:
    """What the net says of one candidate, whatever the score."""
    digit = int(probabilities[place, :10].argmax())
    left, top, right, bottom = (float(value) for value in candidates.boxes[place])
    return Found(digit, float(probabilities[place, digit]), (left, top, right, bottom))


def best_cut(candidates: Candidates, probabilities: Float32Array, places: Iterable[int]) -> list[int]:
    """The whole of a group, or that cut of it whose worst piece is surer than the whole.

    Pieces that are ones must be surer, and there must be others: an m, an n and a u can be cut into ones.
    """
    ways: dict[int, list[int]] = defaultdict(list)
    for place in places:
        ways[int(candidates.cuts[place])].append(place)
    standing: dict[int, float] = {}
    for many, way in ways.items():
        rows = probabilities[way, :10]
        worst, ones = float(rows.max(axis=1).min()), rows.argmax(axis=1) == 1
        needed = SURE_CUT if ones.any() else CUT_SCORE
        if many == 0 or (len(way) == many and worst >= needed and not ones.all()):
            standing[many] = worst
    return ways[max(standing, key=lambda many: standing[many])] if standing else []


def glued(one: Found, other: Found) -> bool:
    """Whether two things stand so near on one line, and are so alike in height, that they share a word."""
    gap = max(one.box[0], other.box[0]) - min(one.box[2], other.box[2])
    shared = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    lower, higher = sorted((one.height, other.height))
    return higher < 1.9 * lower and -0.5 * lower < gap < GLUED * higher and shared > 0.4 * lower


def words(things: Sequence[Found]) -> list[list[int]]:
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


def out_of_words(digits: Sequence[Found], others: Sequence[Found]) -> list[Found]:
    """Digits without those in words, that is, among things that are mostly no digits: an S is no 5 there.

    Things that lie on a digit are other readings of it and no letters beside it.
    """
    apart = [other for other in others if all(overlap_share(other, one) <= OVERLAP for one in digits)]
    things = [*digits, *apart]
    kept: list[int] = []
    for word in words(things):
        numbers = [place for place in word if place < len(digits)]
        share, letters = len(numbers) / len(word), len(word) - len(numbers)
        if share >= (NUMBER if letters < 2 else MOSTLY_NUMBER):
            kept += numbers
    return [digits[place] for place in sorted(kept)]


def likely_ones(digits: Sequence[Found]) -> list[Found]:
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


def without_overlap(digits: Sequence[Found]) -> list[Found]:
    """The surest of every heap of digits that lie on one another."""
    kept: list[Found] = []
    for one in sorted(digits, key=lambda found: -found.score):
        if all(overlap_share(one, other) <= OVERLAP for other in kept):
            kept.append(one)
    return kept


def reading_order(digits: Sequence[Found]) -> list[Found]:
    """Lines from top to bottom, each from left to right.

    A digit belongs to the line whose nearest digit it overlaps by half of the smaller height, so that lines
    may slope.
    """
    lines: list[list[Found]] = []
    for one in sorted(digits, key=lambda found: found.box[0]):
        best, most = None, 0.5
        for line in lines:
            last = line[-1]
            shared = min(one.box[3], last.box[3]) - max(one.box[1], last.box[1])
            share = shared / max(min(one.height, last.height), 1e-6)
            if share >= most:
                best, most = line, share
        if best is None:
            lines.append([one])
        else:
            best.append(one)
    lines.sort(key=lambda line: float(np.mean([found.box[1] + found.box[3] for found in line])))
    return [found for line in lines for found in line]


def read(candidates: Candidates, probabilities: Float32Array, min_score: float) -> list[Found]:
    """The digits of a page in reading order.

    Args:
        candidates: of the page.
        probabilities: float32 [n, 11], what the net says of each; the last column is `not a digit`.
        min_score: 0..1, below which nothing is reported.

    Only one polarity of a page is read, the one with more ink in digits: the counters of dark digits would
    else be read as light ones.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(candidates.groups):
        groups[int(group)].append(place)
    digits: dict[int, list[Found]] = defaultdict(list)
    others: dict[int, list[Found]] = defaultdict(list)
    for places in groups.values():
        for place in best_cut(candidates, probabilities, places):
            found = found_at(candidates, probabilities, place)
            sure = found.score >= min_score and int(probabilities[place].argmax()) < 10
            (digits if sure else others)[int(candidates.layers[place])].append(found)
    read_layers = {layer: out_of_words(found, others[layer]) for layer, found in digits.items()}
    by_polarity = [
        [one for layer, found in read_layers.items() if layer % 2 == side for one in found] for side in (0, 1)
    ]
    heaps = [likely_ones(without_overlap(side)) for side in by_polarity]
    return reading_order(max(heaps, key=lambda heap: sum(one.score * one.height for one in heap)))
