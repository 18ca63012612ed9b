"""From candidates and what the net says of them to digits in reading order. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from mediaml.plugin import Float32Array
from mediaml_digits.evidence import OVERLAP, FoundDigit, likely_ones, out_of_words, overlap_share, supported
from mediaml_digits.page import Candidates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CUT_SCORE = 0.8  # of the worst piece of a cut, without which a whole is not cut
SURE_CUT = 0.95  # the same, where one of the pieces is a 1


def found_at(candidates: Candidates, probabilities: Float32Array, place: int) -> FoundDigit:
    """The net's reading of one candidate, at any score."""
    digit = int(probabilities[place, :10].argmax())
    left, top, right, bottom = (float(value) for value in candidates.boxes[place])
    return FoundDigit(digit, float(probabilities[place, digit]), (left, top, right, bottom))


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


def without_overlap(digits: Sequence[FoundDigit]) -> list[FoundDigit]:
    """The best of each group of overlapping digits."""
    kept: list[FoundDigit] = []
    for one in sorted(digits, key=lambda found: -found.score):
        if all(overlap_share(one, other) <= OVERLAP for other in kept):
            kept.append(one)
    return kept


def reading_order(digits: Sequence[FoundDigit]) -> list[FoundDigit]:
    """Lines from top to bottom, each from left to right.

    A digit belongs to the line whose nearest digit it overlaps by half of the smaller height, so that lines
    may slope.
    """
    lines: list[list[FoundDigit]] = []
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


def polarity(
    digits: Mapping[int, Sequence[FoundDigit]], others: Mapping[int, Sequence[FoundDigit]], side: int
) -> list[FoundDigit]:
    """The digits of one polarity (0 dark, 1 light) that stand, from both its layers.

    Args:
        digits, others: what looks like a digit and what does not, by layer.
    """
    layers = [layer for layer in digits if layer % 2 == side]
    heap = [one for layer in layers for one in out_of_words(digits[layer], others.get(layer, ()))]
    rest = [other for layer in layers for other in others.get(layer, ())]
    apart = [other for other in rest if all(overlap_share(other, one) <= OVERLAP for one in heap)]
    return supported(likely_ones(without_overlap(heap)), without_overlap(apart))


def read(candidates: Candidates, probabilities: Float32Array, min_score: float) -> list[FoundDigit]:
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
    digits: dict[int, list[FoundDigit]] = defaultdict(list)
    others: dict[int, list[FoundDigit]] = defaultdict(list)
    for places in groups.values():
        for place in best_cut(candidates, probabilities, places):
            found = found_at(candidates, probabilities, place)
            sure = found.score >= min_score and int(probabilities[place].argmax()) < 10
            (digits if sure else others)[int(candidates.layers[place])].append(found)
    heaps = [polarity(digits, others, side) for side in (0, 1)]
    return reading_order(max(heaps, key=lambda heap: sum(one.score * one.height for one in heap)))
