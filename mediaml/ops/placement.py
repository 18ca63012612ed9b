"""Where tags go: beside or in the box that they name, clear of each other and of other boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rect = tuple[int, int, int, int]
"""left, top, right, bottom in pixels; right and bottom are exclusive."""

# What a tag costs at some place, per share of the tag (or box) that is covered.
_ON_TAG = 8.0  # the text of neither can be read
_ON_OTHER_BOX = 1.0  # hides another object, and seems to name it
_ON_OWN_BOX = 0.4
_LATER_CHOICE = 0.02  # per step down the list of places, so that ties and near-ties go to the first
_PLACES = 12

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]


def place_tags(
    boxes: Sequence[Rect],
    sizes: Sequence[tuple[int, int]],
    taken: Sequence[Rect],
    width: int,
    height: int,
) -> list[tuple[int, int]]:
    """Left and top of a tag for every box; the first box chooses first.

    Greedy: each tag takes the place, out of twelve around and in its box, where it covers least of what is
    there. Depends on nothing but the arguments, so that a frame looks the same whenever it is drawn.

    Args:
        boxes: that the tags name, not empty, within the image.
        sizes: width and height of their tags, even.
        taken: what no tag should cover, such as labels of the whole image.
        width, height: of the image, pixels.

    Returns:
        Even coordinates; a tag that fits into the image is within it.
    """
    if not boxes:
        return []
    edges, tags = np.array(boxes, np.int64), np.array(sizes, np.int64)
    left, top = _places(edges, tags, width, height)
    right, bottom = left + tags[:, :1], top + tags[:, 1:]
    area = tags.prod(axis=1)[:, None].astype(np.float64)

    def covered(rect: Sequence[int]) -> _Floats:
        """Pixels of a rectangle that each tag would cover at each place: [n, places]."""
        across = np.minimum(right, rect[2]) - np.maximum(left, rect[0])
        down = np.minimum(bottom, rect[3]) - np.maximum(top, rect[1])
        shared: Any = np.maximum(across, 0) * np.maximum(down, 0)
        return np.asarray(shared, dtype=np.float64)

    cost = np.tile(_LATER_CHOICE * np.arange(_PLACES), (len(boxes), 1))
    for number, box in enumerate(boxes):
        pixels = covered(box)
        shares = pixels / area + pixels / ((box[2] - box[0]) * (box[3] - box[1]))
        shares[number] *= _ON_OWN_BOX / _ON_OTHER_BOX
        cost += _ON_OTHER_BOX * shares
    for rect in taken:
        cost += _ON_TAG * covered(rect) / area
    chosen: list[tuple[int, int]] = []
    for number in range(len(boxes)):
        best = int(cost[number].argmin())
        x, y = int(left[number, best]), int(top[number, best])
        chosen.append((x, y))
        cost += _ON_TAG * covered((x, y, x + sizes[number][0], y + sizes[number][1])) / area
    return chosen


def _places(boxes: _Ints, tags: _Ints, width: int, height: int) -> tuple[_Ints, _Ints]:
    """Left and top of each tag at every place, the preferred first: two arrays [n, places]."""
    left, top, right, bottom = boxes.T
    wide, high = tags.T
    places = (
        (left, top - high),  # above
        (left, top),  # in the top left corner
        (right - wide, top - high),
        (right - wide, top),
        (left, bottom),  # below
        (left, bottom - high),
        (right - wide, bottom),
        (right - wide, bottom - high),
        (right, top),  # to the right
        (left - wide, top),
        (right, bottom - high),
        (left - wide, bottom - high),
    )
    x = np.stack([place[0] for place in places], axis=1)
    y = np.stack([place[1] for place in places], axis=1)
    # Even, so that tags fit chroma planes; a tag larger than the image begins at its edge.
    return (
        np.clip(x, 0, np.maximum(0, width - wide)[:, None]) & ~1,
        np.clip(y, 0, np.maximum(0, height - high)[:, None]) & ~1,
    )
