"""What has to be hidden of detections, also on frames on which a model missed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array
from mediaml.core.prediction import Box, Detection
from mediaml.ops.boxes import iou_matrix
from mediaml.ops.shapes import Mask, filled_mask

# Two boxes on successive frames that overlap by this much (IoU) are one object that was never out of sight.
_CONTINUED = 0.3
# How far an object may move while it is out of sight, in lengths of its longer side.
_REACH = 8.0
_SLACK_S = 1e-6


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was detected at one time, seconds."""

    time_s: float
    detections: tuple[Detection, ...]


def grown(box: Box, margin: float) -> Box:
    """A box that is larger on every side by a share of its longer side."""
    more = margin * max(box.right - box.left, box.bottom - box.top)
    return Box(box.left - more, box.top - more, box.right + more, box.bottom + more)


def hidden_area(
    detection: Detection, margin: float, width: int, height: int, *, by_outline: bool = False
) -> Mask | None:
    """The pixels to hide of a detection; `None` where it is outside of the image.

    Args:
        margin: see `grown`; an outline grows by as much.
        width, height: of the image.
        by_outline: within the outline, where there is one, instead of the box.
    """
    box = grown(detection.box, margin)
    if not by_outline or not detection.outline:
        return filled_mask(replace(detection, box=box, outline=()), width, height)
    area = filled_mask(detection, width, height, within=box)
    if area is None:
        return None
    more = max(1, round(detection.box.left - box.left))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * more + 1, 2 * more + 1))
    return Mask(cv2.dilate(area.pixels.astype(np.uint8), kernel) > 0, area.left, area.top)


def outermost(detections: Iterable[Detection], *, by_outline: bool = False) -> list[Detection]:
    """Those that are not within the box of another one, which hides them, too.

    Args:
        by_outline: see `hidden_area`; an outline does not hide all of its box.
    """
    kept: list[Detection] = []
    covered = np.zeros((0, 4), np.float32)
    for found in sorted(detections, key=lambda one: -_area(one.box)):
        left, top, right, bottom = found.box.corners
        within = (covered[:, :2] <= (left, top)).all(axis=1) & (covered[:, 2:] >= (right, bottom)).all(axis=1)
        if within.any():
            continue
        kept.append(found)
        if not (by_outline and found.outline):
            covered = np.concatenate([covered, _corners([found])])
    return kept


def _area(box: Box) -> float:
    return (box.right - box.left) * (box.bottom - box.top)


def held(sightings: Sequence[Sighting], hold_s: float) -> dict[float, tuple[Detection, ...]]:
    """What is to be hidden at each time beside what was detected then.

    An object that is not detected on a frame although it was `hold_s` before or is `hold_s` later is hidden
    where it was, where it will be, and, if both, also at the place between. What is taken for one object only
    decides how much more is hidden: an object that seems to go on as another stays hidden where it was.

    Args:
        sightings: in the order of time; a frame without detections is one without detections.
        hold_s: seconds.
    """
    result: dict[float, list[Detection]] = {one.time_s: [] for one in sightings}
    after = list(_ended(sightings))
    before = list(_ended([Sighting(-one.time_s, one.detections) for one in reversed(sightings)]))
    times = np.array([one.time_s for one in sightings])

    def hide(detection: Detection, start_s: float, end_s: float) -> None:
        for place in range(
            np.searchsorted(times, start_s - _SLACK_S), np.searchsorted(times, end_s + _SLACK_S)
        ):
            result[float(times[place])].append(replace(detection, outline=(), keypoints=()))

    begun = [(-time_s, detection) for time_s, detection in before]
    for time_s, detection in after:
        hide(detection, time_s + 2 * _SLACK_S, time_s + hold_s)
    for time_s, detection in begun:
        hide(detection, time_s - hold_s, time_s - 2 * _SLACK_S)
    for (start_s, first), (end_s, second) in _bridges(after, begun, 2 * hold_s):
        for time_s in times[(times > start_s) & (times < end_s)].tolist():
            box = _between(first.box, second.box, (time_s - start_s) / (end_s - start_s))
            result[time_s].append(Detection(second.label, box))
    return {time_s: tuple(detections) for time_s, detections in result.items()}


def _ended(sightings: Sequence[Sighting]) -> Iterator[tuple[float, Detection]]:
    """The detections that are not seen on the next frame, with their times."""
    for one, following in pairwise(sightings):
        goes_on = _continued(one.detections, following.detections)
        yield from ((one.time_s, found) for place, found in enumerate(one.detections) if place not in goes_on)


def _continued(found: Sequence[Detection], others: Sequence[Detection]) -> set[int]:
    """Places of detections that are among others, too; each of these counts for one."""
    if not found or not others:
        return set()
    overlap = iou_matrix(_corners(found), _corners(others))
    overlap *= _names(found)[:, None] == _names(others)[None, :]
    places: set[int] = set()
    taken: set[int] = set()
    for flat in np.argsort(-overlap, axis=None, kind="stable").tolist():
        place, other = divmod(flat, len(others))
        if overlap[place, other] < _CONTINUED:
            break
        if place not in places and other not in taken:
            places.add(place)
            taken.add(other)
    return places


Seen = tuple[float, Detection]


def _bridges(after: Sequence[Seen], begun: Sequence[Seen], most_s: float) -> Iterator[tuple[Seen, Seen]]:
    """Pairs of the end of a sighting and the nearest beginning of one that may be the same object's."""
    begun = sorted(begun, key=lambda seen: seen[0])
    times = np.array([time_s for time_s, _ in begun])
    corners, names = _corners([found for _, found in begun]), _names([found for _, found in begun])
    for time_s, found in after:
        first, end = np.searchsorted(times, [time_s, time_s + most_s + _SLACK_S], "right").tolist()
        near = _distances(_corners([found]), corners[first:end])
        near[names[first:end] != found.label.name] = np.inf
        if len(near) and near.min() <= _REACH:
            yield (time_s, found), begun[first + int(near.argmin())]


def _corners(found: Sequence[Detection]) -> Float32Array:
    return np.array([one.box.corners for one in found], np.float32).reshape(-1, 4)


def _names(found: Sequence[Detection]) -> NDArray[np.str_]:
    return np.array([one.label.name for one in found], np.str_)


def _distances(one: Float32Array, others: Float32Array) -> Float32Array:
    """Between the centre of one box and those of others, in lengths of the longer side of both."""
    sides = [np.max(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, others)]
    centres = [boxes[:, :2] + boxes[:, 2:] for boxes in (one, others)]
    apart = np.hypot(*(centres[1] - centres[0]).T) / 2
    return np.asarray(apart / np.maximum(np.maximum(*sides), 1e-6), dtype=np.float32)


def _between(one: Box, other: Box, share: float) -> Box:
    corners = [a + (b - a) * share for a, b in zip(one.corners, other.corners, strict=True)]
    return Box(*corners)
