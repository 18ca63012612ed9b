"""All labels and detections that a report shows, as columns of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mediaml.core.media import MediaInfo
from mediaml.ledger.frames import KeptFrame
from mediaml.ledger.shapes import keypoints_of, outline_of
from mediaml.ledger.units import BOX_UNITS, SCORE_UNITS
from mediaml.outputs.report.columns import Code, Columns

FULL = (1 << 16) - 1
"""A box's edge at the right or lower border of the image; 0 is the left or upper one."""
SCORE_STEPS = 10_000
"""Units in a score of 1; scores are rounded down, as in the ledger."""
MOST_POINTS = 4_000_000
"""Coordinates of outlines and keypoints that a page holds; boxes stand for what is beyond."""
_FLUSHED = 50_000
_Row = tuple[int, int, int, int, int, int, int | None, bytes | None, bytes | None]


@dataclass(slots=True)
class Series:
    """What one model said of one source: a run of rows of the frames' columns.

    Attributes:
        source, model: their places in the report's lists. first, count: of the rows. audio: the frames are
        windows of audio.
    """

    source: int
    model: int
    first: int
    audio: bool
    count: int = 0


@dataclass(slots=True, eq=False)
class Findings:
    """The columns of a report, filled source by source.

    Attributes:
        frames: time and length of each frame (s), and the first of its detections and labels.
        detections: class, score, edges of the box, track + 1 or 0, and place of its shape + 1 or 0.
        labels: class and score.
        points: shapes: number of polygons, for each its number of corners and these, then number of
            keypoints, and for each x, y and score; all in `FULL` of the image, or of a score of 1.
    """

    class_code: Code
    series: list[Series] = field(default_factory=list)
    has_tracks: bool = False
    points_left_out: int = 0
    frames: Columns = field(init=False)
    detections: Columns = field(init=False)
    labels: Columns = field(init=False)
    points: Columns = field(init=False)
    _pending: list[_Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.frames = Columns(time="f", length="f", detection="I", label="I")
        self.detections = Columns(
            class_=self.class_code, score="H", left="H", top="H", right="H", bottom="H", track="I", shape="I"
        )
        self.labels = Columns(labelClass=self.class_code, labelScore="H")
        self.points = Columns(point="H")

    def add(
        self, series: Series, frames: Iterable[KeptFrame], info: MediaInfo | None, places: Mapping[int, int]
    ) -> None:
        """Add the frames of one model for one source.

        Args:
            series: where they belong; gets its `count`.
            info: of the source, for the size of its image.
            places: of classes in the report's list, by their numbers in the model.
        """
        size = _size(info)
        time, length = self.frames["time"], self.frames["length"]
        first_detection, first_label = self.frames["detection"], self.frames["label"]
        label_class, label_score = self.labels["labelClass"], self.labels["labelScore"]
        for frame in frames:
            time.append(frame.time_s)
            length.append(frame.duration_s)
            first_detection.append(len(self.detections["score"]) + len(self._pending))
            first_label.append(len(label_score))
            for class_, score in frame.labels:
                label_class.append(places[class_])
                label_score.append(score * SCORE_STEPS // SCORE_UNITS)
            self._pending += frame.detections
            if len(self._pending) >= _FLUSHED:
                self._flush(places, size)
        self._flush(places, size)
        series.count = len(time) - series.first
        self.series.append(series)

    def end(self) -> None:
        """Add the row behind the last frame, which ends its detections and labels."""
        for name, value in (("time", 0.0), ("length", 0.0)):
            self.frames[name].append(value)
        self.frames["detection"].append(len(self.detections["score"]))
        self.frames["label"].append(len(self.labels["labelScore"]))

    def _flush(self, places: Mapping[int, int], size: tuple[float, float]) -> None:
        rows, self._pending = self._pending, []
        if not rows:
            return
        class_, score, left, top, right, bottom, track, outline, keypoints = zip(*rows, strict=True)
        column = self.detections.by_name
        column["class_"].extend([places[one] for one in class_])
        column["score"].extend([one * SCORE_STEPS // SCORE_UNITS for one in score])
        for name, edges, whole in (
            ("left", left, size[0]),
            ("top", top, size[1]),
            ("right", right, size[0]),
            ("bottom", bottom, size[1]),
        ):
            column[name].frombytes(_relative(edges, whole).tobytes())
        column["track"].extend([0 if one is None else one + 1 for one in track])
        self.has_tracks = self.has_tracks or any(one is not None for one in track)
        column["shape"].extend(
            [self._shape(*blobs, size) if any(blobs) else 0 for blobs in zip(outline, keypoints, strict=True)]
        )

    def _shape(self, outline: bytes | None, keypoints: bytes | None, size: tuple[float, float]) -> int:
        """Keep a shape; returns its place + 1, or 0 where there is no room for it."""
        rings, joints = outline_of(outline), keypoints_of(keypoints)
        points = self.points["point"]
        needed = 2 + sum(1 + 2 * len(ring) for ring in rings) + 3 * len(joints)
        if len(points) + needed > MOST_POINTS or max(map(len, (rings, joints, *rings))) > FULL:
            self.points_left_out += 1
            return 0
        place = len(points) + 1
        points.append(len(rings))
        for ring in rings:
            points.append(len(ring))
            points.extend(_relative(np.asarray(ring) * BOX_UNITS, size).ravel().tolist())
        points.append(len(joints))
        for joint in joints:
            x, y = _relative(np.asarray([joint.x, joint.y]) * BOX_UNITS, size).tolist()
            points.extend([x, y, round(joint.score * FULL)])
        return place


def _size(info: MediaInfo | None) -> tuple[float, float]:
    """Width and height in units of the ledger; where they are not known, such that boxes vanish."""
    if info is None or info.width is None or info.height is None:
        return float("inf"), float("inf")
    return float(info.width * BOX_UNITS), float(info.height * BOX_UNITS)


def _relative(
    edges: Sequence[int] | np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    whole: float | tuple[float, float],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Units of the ledger as parts of the image, 0..FULL."""
    shares = np.asarray(edges, np.float64) * FULL / np.asarray(whole)
    return np.asarray(np.clip(np.rint(shares), 0, FULL), np.uint16)
