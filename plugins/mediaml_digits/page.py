"""Where digits may stand on a page: parts of ink, apart or cut apart where they touch, in both polarities.

Pure functions. A candidate is proposed generously; the net says what it is, and `reading` keeps the best.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mediaml.plugin import Float32Array, UInt8Array
from mediaml_digits.ink import FAINTEST, grey_of, shrink
from mediaml_digits.normalise import SIDE, mnist_like

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mediaml_digits.ink import Mask

PAGE_SIDE = 1600  # pixels; a larger page is scaled down to it
WINDOWS = (24, 96)  # half widths of the local ground, pixels: for text, and for large digits
GROUND = 0.4  # share of a window that is at least ground, not ink
LOWEST = 9  # pixels; less high than this, no digit can be told
MOST = 384  # candidates of one page, largest ink first come the ones of digit-like shape
WIDEST = 1.05  # width over height, above which a part is also cut into two or more
LONGEST = 4.5  # width over height, above which it is a line and nothing to read


@dataclass(frozen=True, slots=True)
class Candidates:
    """Things on a page that may be digits.

    Attributes:
        pictures: uint8 [n, 28, 28], as MNIST would hold them.
        boxes: float32 [n, 4], left, top, right, bottom in pixels of the source.
        layers: int64 [n]; candidates of one layer (window and polarity) were found together.
        groups: int64 [n]; a whole and its cuts share a group, and only one side of that choice can stand.
        cuts: int64 [n]; 0 for a whole, else the number of pieces that its cut has.
    """

    pictures: UInt8Array
    boxes: Float32Array
    layers: NDArray[np.int64]
    groups: NDArray[np.int64]
    cuts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, slots=True)
class Part:
    """One connected part of ink: its window in the page and its own mask in that window."""

    left: int
    top: int
    mask: Mask

    @property
    def box(self) -> tuple[int, int, int, int]:
        """left, top, right, bottom in pixels of the page."""
        return self.left, self.top, self.left + self.mask.shape[1], self.top + self.mask.shape[0]


def local_ink(grey: Float32Array, half: int, dark: bool) -> Float32Array:
    """How far each pixel stands out of the mean of its surroundings, grey levels, 0 where it does not.

    The mean is taken twice, the second time over the ground alone, so that dense ink does not darken it.
    Where the ground would be the lesser part, there is no ink: it is the other polarity that is written.
    """
    import cv2

    size = (2 * half + 1, 2 * half + 1)
    residual = cv2.blur(grey, size, borderType=cv2.BORDER_REPLICATE) - grey
    residual = residual if dark else -residual
    ground = (residual < 4).astype(np.float32)
    weight = cv2.blur(ground, size, borderType=cv2.BORDER_REPLICATE)
    mean = cv2.blur(grey * ground, size, borderType=cv2.BORDER_REPLICATE) / np.maximum(weight, 1e-3)
    return np.clip(np.where(weight > GROUND, mean - grey if dark else grey - mean, 0), 0, None).astype(
        np.float32
    )


def page_mask(ink: Float32Array, half: int) -> Mask:
    """Which pixels are ink: more than a third of the strongest nearby, and clearly more than the noise."""
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (half | 1, half | 1))
    nearby = cv2.blur(cv2.dilate(ink, kernel), (half | 1, half | 1))
    noise = float(np.percentile(ink, 70))
    return np.asarray(ink > np.maximum(0.4 * nearby, FAINTEST + 2 * noise), bool)


def parts_of(mask: Mask) -> list[Part]:
    """The connected parts of a mask that are high enough to be read and are no lines or frames."""
    import cv2

    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    found = []
    for number in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[number])
        readable = height >= LOWEST and width >= 2 and width <= LONGEST * height and height <= 12 * width
        if readable and area >= 0.06 * width * height and height < 0.98 * mask.shape[0]:
            window = numbers[top : top + height, left : left + width]
            found.append(Part(left, top, window == number))
    return found


def joined(parts: list[Part]) -> list[Part]:
    """Two parts above each other that are one broken digit, such as the bar that floats over a 5."""
    pairs = []
    for upper in parts:
        left, top, right, bottom = upper.box
        for lower in parts:
            other_left, other_top, other_right, other_bottom = lower.box
            height = max(bottom, other_bottom) - min(top, other_top)
            overlap = min(right, other_right) - max(left, other_left)
            apart = other_top - bottom
            if (
                upper is not lower
                and top < other_top
                and -0.35 * height <= apart <= 0.12 * height
                and overlap > -0.05 * height
                and max(right, other_right) - min(left, other_left) <= WIDEST * height
            ):
                pairs.append(union(upper, lower))
    return pairs


def union(first: Part, second: Part) -> Part:
    """Two parts as one."""
    left, top = min(first.left, second.left), min(first.top, second.top)
    right, bottom = max(first.box[2], second.box[2]), max(first.box[3], second.box[3])
    mask = np.zeros((bottom - top, right - left), bool)
    for part in (first, second):
        height, width = part.mask.shape
        mask[part.top - top : part.top - top + height, part.left - left : part.left - left + width] |= (
            part.mask
        )
    return Part(left, top, mask)


def cut(part: Part, pieces: int) -> list[Part]:
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
            found.append(Part(part.left + left + int(filled[0]), part.top + int(rows[0]), tight))
    return found if len(found) == pieces else []


def cuts_of(part: Part) -> list[list[Part]]:
    """Every way to cut a wide part into digits that touch."""
    height, width = part.mask.shape
    if width < WIDEST * 0.8 * height:
        return []
    likely = {int(width / (0.55 * height)), round(width / (0.75 * height)), 2}
    return [pieces for many in sorted(likely) if 2 <= many <= 6 and (pieces := cut(part, many))]


def candidates_of(image: UInt8Array) -> Candidates:
    """Everything on a page that may be a digit.

    Args:
        image: uint8 grey [H, W] or RGB [H, W, 3].
    """
    full = grey_of(image)
    grey = shrink(full, PAGE_SIDE)
    scale = full.shape[0] / grey.shape[0]
    rows: list[tuple[UInt8Array, tuple[int, int, int, int], int, int, int]] = []
    layers = [(half, dark) for half in WINDOWS if half < max(grey.shape) for dark in (True, False)]
    for layer, (half, dark) in enumerate(layers):
        ink = local_ink(grey, half, dark)
        parts = parts_of(page_mask(ink, half))
        if len(parts) > MOST:  # a texture, not writing: the largest are looked at
            parts = sorted(parts, key=lambda part: -part.mask.shape[0])[:MOST]
        for part in parts + joined(parts):
            group = len(rows)
            for pieces in [[part], *cuts_of(part)]:
                many = len(pieces) if len(pieces) > 1 else 0
                rows += [(picture_of(ink, piece), piece.box, layer, group, many) for piece in pieces]
    rows = rows[:MOST]
    return Candidates(
        np.stack([row[0] for row in rows]) if rows else np.zeros((0, SIDE, SIDE), np.uint8),
        np.array([row[1] for row in rows], np.float32).reshape(-1, 4) * scale,
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], np.int64),
        np.array([row[4] for row in rows], np.int64),
    )


def picture_of(ink: Float32Array, part: Part) -> UInt8Array:
    """A part as MNIST would hold it, with the soft edge that its mask cuts off."""
    import cv2

    left, top, right, bottom = part.box
    height, width = ink.shape
    window = np.s_[max(0, top - 1) : min(height, bottom + 1), max(0, left - 1) : min(width, right + 1)]
    mask = np.zeros((bottom - top + 2, right - left + 2), np.uint8)
    mask[1:-1, 1:-1] = part.mask
    grown = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    inside = ink[window]
    offset_y, offset_x = int(top == 0), int(left == 0)
    kept = grown[offset_y : offset_y + inside.shape[0], offset_x : offset_x + inside.shape[1]] > 0
    return mnist_like(inside, kept & (inside > 0))
