"""Outlines and keypoints as the ledger keeps them: MessagePack of whole numbers, `NULL` where there are none.

Coordinates are in 1/100 pixel, as those of boxes. Each corner of an outline after the first is the step from
the one before it, which takes a byte or two.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from mediaml.core.prediction import Keypoint, Polygon
from mediaml.ledger.units import BOX_UNITS, SCORE_UNITS, box_units, score_units


def outline_blob(outline: Sequence[Polygon]) -> bytes | None:
    """Polygons as a list of lists: x and y of the first corner, then of each step."""
    if not outline:
        return None
    return msgspec.msgpack.encode([_steps(ring) for ring in outline])


def _steps(ring: Polygon) -> list[int]:
    corners = box_units(ring, axes=2)
    steps: list[int] = np.diff(corners, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel().tolist()
    return steps


def outline_of(blob: bytes | None) -> tuple[Polygon, ...]:
    """The polygons of `outline_blob`.

    Raises:
        msgspec.MsgspecError: it is damaged.
    """
    if blob is None:
        return ()
    rings = msgspec.msgpack.decode(blob, type=list[list[int]])
    return tuple(_polygon(np.asarray(steps, np.int64).reshape(-1, 2).cumsum(axis=0)) for steps in rings)


def _polygon(corners: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Polygon:
    return tuple((x, y) for x, y in (corners / BOX_UNITS).tolist())


def keypoints_blob(keypoints: Sequence[Keypoint]) -> bytes | None:
    """Keypoints as one list: x, y and score of each."""
    if not keypoints:
        return None
    places = box_units([(point.x, point.y) for point in keypoints], axes=2)
    scores = score_units([point.score for point in keypoints])
    return msgspec.msgpack.encode(np.column_stack([places, scores]).ravel().tolist())


def keypoints_of(blob: bytes | None) -> tuple[Keypoint, ...]:
    """The keypoints of `keypoints_blob`.

    Raises:
        msgspec.MsgspecError: it is damaged.
    """
    if blob is None:
        return ()
    values = iter(msgspec.msgpack.decode(blob, type=list[int]))
    return tuple(_keypoint(*values_of_one) for values_of_one in zip(values, values, values, strict=True))


def _keypoint(x: int, y: int, score: int) -> Keypoint:
    return Keypoint(x / BOX_UNITS, y / BOX_UNITS, score / SCORE_UNITS)
