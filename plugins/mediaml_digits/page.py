"""Where digits may stand on a page, in both polarities and for small and large writing.

Pure functions. A candidate is proposed generously; the net says what it is, and `reading` keeps the best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mediaml.plugin import Float32Array, UInt8Array
from mediaml_digits.ink import FAINTEST, grey_of, shrink
from mediaml_digits.normalise import SIDE, mnist_like
from mediaml_digits.parts import Component, cuts_of, joined, parts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mediaml_digits.ink import Mask

PAGE_SIDE = 1600  # pixels; a larger page is scaled down to it
# Long side of the page and half width of the local ground, pixels: for text, and for large digits.
VIEWS = ((PAGE_SIDE, 24), (320, 40))
GROUND = 0.4  # share of a window that is at least ground, not ink
MOST = 400  # parts of one view that are looked at; a page with more is mostly texture


# image, box, layer, group, cut: one row of `Candidates`
Row = tuple[UInt8Array, tuple[float, ...], int, int, int]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Things on a page that may be digits.

    Attributes:
        images: uint8 [n, 28, 28], as MNIST would hold them.
        boxes: float32 [n, 4], left, top, right, bottom in pixels of the source.
        layers: int64 [n]; twice the view, plus one for light ink.
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


def broad_ground(grey: Float32Array, half: int, dark: bool) -> Float32Array:
    """What stays of a page when everything dark (or light) and narrower than a window is taken away.

    A grey closing (or opening), on a copy so small that the window has 17 pixels.
    """
    import cv2

    height, width = grey.shape
    small = shrink(grey, max(1, round(max(height, width) * 8 / half)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (17, 17))
    ground = cv2.morphologyEx(small, cv2.MORPH_CLOSE if dark else cv2.MORPH_OPEN, kernel)
    return np.asarray(cv2.resize(ground, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def local_ink(grey: Float32Array, half: int, dark: bool) -> Float32Array:
    """How far each pixel stands out of the mean of its surroundings, grey levels, 0 where it does not.

    The mean is taken twice, the second time over the ground alone, so that dense ink does not darken it.
    Where the ground would be the lesser part, there is no ink: it is the other polarity that is written.
    Anything broader than the window, such as the ground beside a dark line, is not ink either.
    """
    import cv2

    size = (2 * half + 1, 2 * half + 1)
    residual = cv2.blur(grey, size, borderType=cv2.BORDER_REPLICATE) - grey
    residual = residual if dark else -residual
    ground = (residual < 4).astype(np.float32)
    weight = cv2.blur(ground, size, borderType=cv2.BORDER_REPLICATE)
    mean = cv2.blur(grey * ground, size, borderType=cv2.BORDER_REPLICATE) / np.maximum(weight, 1e-3)
    broad = broad_ground(grey, half, dark)
    stands_out = np.minimum(mean - grey, broad - grey) if dark else np.minimum(grey - mean, grey - broad)
    return np.clip(np.where(weight > GROUND, stands_out, 0), 0, None).astype(np.float32)


def page_mask(ink: Float32Array, half: int, strong: float) -> Mask:
    """Which pixels are ink: near the strongest nearby, clearly more than the noise, and no mere halo.

    Args:
        strong: grey levels of full ink on the page; a quarter of it is the least that counts.
    """
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (half | 1, half | 1))
    nearby = cv2.blur(cv2.dilate(ink, kernel), (half | 1, half | 1))
    noise = float(np.percentile(ink, 70))
    floor = max(FAINTEST + 2 * noise, strong / 4)
    return np.asarray(ink > np.maximum(0.4 * nearby, floor), bool)


def candidates_of(image: UInt8Array) -> Candidates:
    """Everything on a page that may be a digit.

    Args:
        image: uint8 grey [H, W] or RGB [H, W, 3].
    """
    full = grey_of(image)
    pages = [shrink(full, side) for side, _ in VIEWS]
    inks = [
        local_ink(page, half, dark)
        for page, (_, half) in zip(pages, VIEWS, strict=True)
        for dark in (True, False)
    ]
    strong = max(float(np.percentile(ink, 99.5)) for ink in inks)
    rows: list[Row] = []
    for layer, ink in enumerate(inks):
        mask = page_mask(ink, VIEWS[layer // 2][1], strong)
        rows += proposals(ink, mask, layer, len(rows), full.shape[0] / ink.shape[0])
    return Candidates(
        np.stack([row[0] for row in rows]) if rows else np.zeros((0, SIDE, SIDE), np.uint8),
        np.array([row[1] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], np.int64),
        np.array([row[4] for row in rows], np.int64),
    )


def proposals(ink: Float32Array, mask: Mask, layer: int, first_group: int, scale: float) -> list[Row]:
    """The candidates of one layer: parts, joined parts, and cuts of wide ones; boxes in source pixels."""
    rows: list[Row] = []
    parts = parts_of(mask)
    if len(parts) > MOST:
        parts = sorted(parts, key=lambda part: -part.mask.shape[0])[:MOST]
    for group, part in enumerate(parts + joined(parts), first_group):
        for pieces in [[part], *cuts_of(part)]:
            many = len(pieces) if len(pieces) > 1 else 0
            boxes = [tuple(scale * side for side in piece.box) for piece in pieces]
            pictures = [picture_of(ink, piece) for piece in pieces]
            rows += [(picture, box, layer, group, many) for picture, box in zip(pictures, boxes, strict=True)]
    return rows


def picture_of(ink: Float32Array, part: Component) -> UInt8Array:
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
