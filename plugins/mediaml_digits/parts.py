"""Parts of ink: connected, taken out of frames, joined where broken, cut where they touch. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mediaml_digits.ink import Mask

LOWEST = 9  # pixels; less high than this, no digit can be told
WIDEST = 1.05  # width over height, above which a part is also cut into two or more
LONGEST = 4.5  # width over height, above which it is a line and nothing to read


@dataclass(frozen=True, slots=True)
class Component:
    """One connected part of ink: its window in the page and its own mask in that window."""

    left: int
    top: int
    mask: Mask

    @property
    def box(self) -> tuple[int, int, int, int]:
        """left, top, right, bottom in pixels of the page."""
        return self.left, self.top, self.left + self.mask.shape[1], self.top + self.mask.shape[0]


def readable(mask: Mask) -> bool:
    """Whether a part is high enough to be read, and neither a line nor an empty frame."""
    height, width = mask.shape
    shape = height >= LOWEST and 2 <= width <= LONGEST * height and height <= 12 * width
    return shape and bool(mask.mean() >= 0.06)


def pieces_of(mask: Mask, left: int = 0, top: int = 0) -> list[Component]:
    """The connected parts of a mask whose corner lies at (left, top), specks left out."""
    import cv2

    _, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    found = []
    for number, (x, y, width, height, _) in enumerate(stats.tolist()):
        if number and (height >= LOWEST or width >= LOWEST):
            found.append(Component(left + x, top + y, numbers[y : y + height, x : x + width] == number))
    return found


def without_rules(part: Component) -> list[Component]:
    """What is left of a frame or a ruled row when its long straight lines are taken away."""
    import cv2

    height, width = part.mask.shape
    ink = part.mask.astype(np.uint8)
    upright = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((max(3, int(0.8 * height)), 1), np.uint8))
    level = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, max(3, width // 2)), np.uint8))
    rules = cv2.dilate(cv2.bitwise_or(upright, level), np.ones((3, 3), np.uint8))
    left = pieces_of(part.mask & (rules == 0), part.left, part.top)
    # A sliver along a rule is the rest of the rule.
    return [piece for piece in left if piece.mask.shape[1] > 0.3 * piece.mask.shape[0]]


def parts_of(mask: Mask) -> list[Component]:
    """The connected parts of a mask that may be read; digits that touch their frame are taken out of it."""
    pieces = pieces_of(mask)
    usual = float(np.median([part.mask.shape[0] for part in pieces])) if pieces else 0.0
    for part in list(pieces):
        height, width = part.mask.shape
        if height > 1.2 * usual and width > 2 * usual and part.mask.mean() < 0.4:
            pieces += without_rules(part)
    limit = 0.98 * mask.shape[0]
    return [part for part in pieces if part.mask.shape[0] < limit and readable(part.mask)]


def joined(parts: list[Component]) -> list[Component]:
    """Two parts above each other that are one broken digit, such as the bar that floats over a 5."""
    left, top, right, bottom = np.array([part.box for part in parts], np.float32).reshape(-1, 4).T
    height = np.maximum(bottom[:, None], bottom) - np.minimum(top[:, None], top)
    width = np.maximum(right[:, None], right) - np.minimum(left[:, None], left)
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    apart = (top[None, :] - bottom[:, None]) / height
    fits = (top[:, None] < top) & (apart >= -0.35) & (apart <= 0.12) & (shared > -0.05 * height)
    pairs = np.argwhere(fits & (width <= WIDEST * height))
    return [union(parts[upper], parts[lower]) for upper, lower in pairs]


def union(first: Component, second: Component) -> Component:
    """Two parts as one."""
    left, top = min(first.left, second.left), min(first.top, second.top)
    right, bottom = max(first.box[2], second.box[2]), max(first.box[3], second.box[3])
    mask = np.zeros((bottom - top, right - left), bool)
    for part in (first, second):
        height, width = part.mask.shape
        mask[part.top - top : part.top - top + height, part.left - left : part.left - left + width] |= (
            part.mask
        )
    return Component(left, top, mask)


def cut(part: Component, pieces: int) -> list[Component]:
    """A part cut upright into so many pieces, each cut near its even place, through the least ink."""
    width, height = part.mask.shape[1], part.mask.shape[0]
    ink = part.mask.sum(axis=0).astype(np.float64)
    columns = np.arange(width)
    edges = [0]
    for number in range(1, pieces):
        even = width * number / pieces
        cost = ink / height + 1.2 * np.square((columns - even) * pieces / width)
        edges.append(int(np.argmin(cost[1:-1])) + 1 if width > 2 else 1)
    edges.append(width)
    found = []
    for left, right in pairwise(edges):
        window = part.mask[:, left:right]
        rows, filled = np.flatnonzero(window.any(axis=1)), np.flatnonzero(window.any(axis=0))
        if rows.size >= LOWEST and filled.size >= 2:
            tight = window[rows[0] : rows[-1] + 1, filled[0] : filled[-1] + 1]
            found.append(Component(part.left + left + int(filled[0]), part.top + int(rows[0]), tight))
    return found if len(found) == pieces else []


def cuts_of(part: Component) -> list[list[Component]]:
    """Every way to cut a wide part into digits that touch."""
    height, width = part.mask.shape
    if width < WIDEST * 0.8 * height:
        return []
    likely = {int(width / (0.55 * height)), round(width / (0.75 * height)), 2}
    return [pieces for many in sorted(likely) if 2 <= many <= 6 and (pieces := cut(part, many))]
