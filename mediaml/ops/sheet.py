"""Contact sheets: small images in rows, each with a caption in a colour of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.ops.lettering import font_of, tag
from mediaml.ops.yuv import Rgb

_PAPER = 24
_GAP = 8


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One image of a sheet.

    Attributes:
        image: uint8 RGB [height, width, 3].
        title, note: lines of the caption; the title is on `color`.
    """

    image: UInt8Array = field(repr=False)
    title: str
    note: str
    color: Rgb


def shrunk(image: UInt8Array, side: int) -> UInt8Array:
    """An image that fits a square of `side` pixels; a smaller one is enlarged to twice its size at most."""
    height, width = image.shape[:2]
    scale = min(2.0, side / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)


def sheet(tiles: Sequence[Tile], columns: int, side: int) -> UInt8Array:
    """A contact sheet as uint8 RGB.

    Args:
        tiles: from left to right and from top to bottom, one at least.
        columns: tiles in a row. side: pixels of the square that each image is fitted to.
    """
    size = max(12, side // 16)
    font = font_of(size)
    line = tag("Ag", "", font, size, (0, 0, 0), side).height
    columns = min(columns, len(tiles))
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    drawn = [_row(row, columns, side, size, line) for row in rows]
    edge = np.full((_GAP, drawn[0].shape[1], 3), _PAPER, np.uint8)
    return np.concatenate([part for row in drawn for part in (edge, row)] + [edge])


def _row(tiles: Sequence[Tile], columns: int, side: int, size: int, line: int) -> UInt8Array:
    """One row, as high as the highest of its images and two lines of caption."""
    font = font_of(size)
    images = [shrunk(tile.image, side) for tile in tiles]
    tallest = max(image.shape[0] for image in images)
    row = np.full((tallest + 2 * line, columns * (side + _GAP) + _GAP, 3), _PAPER, np.uint8)
    for place, (tile, image) in enumerate(zip(tiles, images, strict=True)):
        left = _GAP + place * (side + _GAP)
        height, width = image.shape[:2]
        y, x = (tallest - height) // 2, left + (side - width) // 2
        row[y : y + height, x : x + width] = image
        papers: tuple[Rgb, Rgb] = (tile.color, (_PAPER, _PAPER, _PAPER))
        for number, (text, paper) in enumerate(zip((tile.title, tile.note), papers, strict=True)):
            marker = tag(text, "", font, size, paper, side).image[:line, :side]
            y = tallest + number * line
            row[y : y + marker.shape[0], left : left + marker.shape[1]] = marker
    return row
