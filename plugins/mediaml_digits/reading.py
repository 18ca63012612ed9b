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

TWINS = frozenset({0, 1})  # the digits that O, o, l and I are shaped like
OVERLAP = 0.5  # share of the smaller box, above which two digits cannot both stand
GLUED = 0.3  # gap over height, below which two things belong to one word


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
    """The whole of a group, or that cut of it whose worst piece is surer than the whole."""
    ways: dict[int, list[int]] = defaultdict(list)
    for place in places:
        ways[int(candidates.cuts[place])].append(place)
    worst = {many: min(float(probabilities[place, :10].max()) for place in way) for many, way in ways.items()}
    complete = {many: score for many, score in worst.items() if len(ways[many]) == max(many, 1)}
    return ways[max(complete, key=lambda many: complete[many])] if complete else []


def neighbours(one: Found, others: Sequence[Found]) -> list[Found]:
    """What stands so near on the same line that it would belong to the same word."""
    near = []
    for other in others:
        gap = max(one.box[0], other.box[0]) - min(one.box[2], other.box[2])
        shared = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
        alike = 0.55 <= other.height / max(one.height, 1e-6) <= 1.8
        if (
            other is not one
            and alike
            and -0.2 * one.height < gap < GLUED * one.height
            and shared > 0.4 * one.height
        ):
            near.append(other)
    return near


def out_of_words(digits: Sequence[Found], others: Sequence[Found]) -> list[Found]:
    """Digits without the 0 and 1 that only letters stand beside: those are an O, an l or an I."""
    return [
        one
        for one in digits
        if one.digit not in TWINS or neighbours(one, digits) or not neighbours(one, others)
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
    heaps = [without_overlap(side) for side in by_polarity]
    return reading_order(max(heaps, key=lambda heap: sum(one.score * one.height for one in heap)))
