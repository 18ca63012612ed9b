"""The trackers of the package `trackers`, whose state is plain data between two frames.

Time comes from timestamps: the motion model of the Kalman filter is stretched to the seconds that have passed
between two frames, and a lost object is given up after seconds, not frames.
"""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaml.core.errors import OutputError, UsageError
from mediaml.core.suggestions import suggestion
from mediaml.ops.boxes import nms

TRACKERS = ("bytetrack", "ocsort", "cbiou", "botsort")
"""Names of the trackers that need boxes and scores only; BoT-SORT without its camera motion."""
# Frames per second for which the noise of the Kalman filters counts. At the 30 of the package a velocity is
# learned too slowly for sampled frames; docs/tracks.md has the figures.
_RATE = 8.0
_COUNTERS = ("_next_track_id", "_last_timestamp", "frame_count", "frame_id")
_FILTER = ("state", "state_covariance")
"""The other matrices of a Kalman filter follow from these, or are the same in all tracklets of a tracker."""
# Boxes of other classes are moved so far apart, pixels, that they never overlap.
_APART = 1e6
# Where two boxes overlap more than this, the weaker one is another name for the same object.
_SAME = 0.8
# However rare frames are, one in which an object was not found does not end it.
_LEAST_FRAMES = 2.5


def require_tracker(name: str) -> None:
    """Raise unless there is a tracker of that name, and the package that brings it.

    Raises:
        UsageError: there is none, with a suggestion; or the package is not installed.
    """
    if name not in TRACKERS:
        near = suggestion(name, TRACKERS) or f"Trackers: {', '.join(TRACKERS)}."
        raise UsageError(f"no tracker {name!r}.", near)
    library_version()


def library_version() -> str:
    """The version of the package `trackers`.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return version("trackers")
    except PackageNotFoundError as error:
        raise UsageError(
            "tracks need the package trackers.", 'Install it: pip install "mediaml[track]"'
        ) from error


class Tracker:
    """One tracker at work on one source.

    Args:
        name: of `TRACKERS`.
        min_score: score from which a detection begins an object; weaker ones may continue it.
        lost_s: seconds after which an object that is not found any more is given up.
        state: of `state`, from a tracker with the same arguments; `None` begins.

    Raises:
        OutputError: the state is not one of this tracker.
    """

    def __init__(self, name: str, min_score: float, lost_s: float, state: Any = None) -> None:
        self._lost_s = lost_s
        self._tracker = _made(name, min_score)
        if state is not None:
            try:
                self._restore(state)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise OutputError(
                    "the state of a tracker in the ledger cannot be read.",
                    "Track again with another --lost; predictions are kept.",
                ) from error

    def update(
        self,
        time_s: float,
        boxes: NDArray[np.float64],
        scores: NDArray[np.float64],
        classes: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """The number of the object that each detection of a frame shows, from 1; 0 for none.

        An object keeps its class. Of boxes in one place only the best belongs to an object.

        Args:
            time_s: of the frame. A time before that of the last frame gives up all objects.
            boxes: float64 [n, 4], pixels. scores: float64 [n], 0..1. classes: int64 [n].

        Returns:
            int64 [n].
        """
        import supervision

        last = self._tracker._last_timestamp
        if last is not None and time_s < last:
            self._tracker.tracks, self._tracker._last_timestamp = [], None
            last = None
        gap_s = 0.0 if last is None else time_s - last
        self._tracker.maximum_time_without_update = max(self._lost_s, _LEAST_FRAMES * gap_s)
        numbers = np.zeros(len(boxes), np.int64)
        kept = _kept(boxes, scores)
        apart = boxes + (classes * _APART)[:, None] * np.array([1.0, 0.0, 1.0, 0.0])
        given = supervision.Detections(xyxy=apart[kept], confidence=scores[kept], data={"place": kept})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two frames at one time
            found = self._tracker.update(given, timestamp=time_s)
        if len(found):
            numbers[found.data["place"]] = found.tracker_id + 1
        return numbers

    def state(self) -> dict[str, Any]:
        """All that decides the next frames: plain values and arrays, for `mediaml.derive.plain`."""
        return {
            "counters": {
                name: vars(self._tracker)[name] for name in _COUNTERS if name in vars(self._tracker)
            },
            "tracks": [_state_of(tracklet) for tracklet in self._tracker.tracks],
        }

    def _restore(self, state: Any) -> None:
        for name, value in state["counters"].items():
            if name not in _COUNTERS:
                raise ValueError(f"unknown counter {name!r}")
            setattr(self._tracker, name, value)
        self._tracker.tracks = [self._tracklet(one) for one in state["tracks"]]

    def _tracklet(self, state: Any) -> Any:
        tracklet = _new_tracklet(self._tracker)
        known = _plain_names(tracklet)
        if set(state["values"]) != known:
            raise ValueError("a tracklet has other values")
        for name, value in state["values"].items():
            setattr(tracklet, name, value)
        for name, array in state["filter"].items():
            if name not in _FILTER or array.shape != getattr(tracklet.state_estimator.kf, name).shape:
                raise ValueError("a filter has other matrices")
            setattr(tracklet.state_estimator.kf, name, array)
        return tracklet


def _kept(boxes: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The places of the boxes that may belong to an object, in order."""
    # A box without area has no overlap with anything, and OC-SORT divides by its height.
    solid = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    if not len(solid):
        return solid
    best = nms(boxes[solid].astype(np.float32), scores[solid].astype(np.float32), _SAME)
    return solid[np.sort(best)]


def _state_of(tracklet: Any) -> dict[str, Any]:
    estimator = tracklet.state_estimator
    return {
        "values": {name: getattr(tracklet, name) for name in _plain_names(tracklet)},
        "filter": {name: getattr(estimator.kf, name) for name in _FILTER},
    }


def _plain_names(tracklet: Any) -> set[str]:
    return set(vars(tracklet)) - {"state_estimator"}


def _made(name: str, min_score: float) -> Any:
    """A new tracker."""
    import trackers

    if name == "ocsort":
        return trackers.OCSORTTracker(frame_rate=_RATE, high_conf_det_threshold=min_score)
    scores: Any = {"track_activation_threshold": min_score, "high_conf_det_threshold": min_score}
    if name == "bytetrack":
        return trackers.ByteTrackTracker(frame_rate=_RATE, **scores)
    if name == "cbiou":
        return trackers.CBIoUTracker(frame_rate=_RATE, **scores)
    return trackers.BoTSORTTracker(frame_rate=_RATE, enable_cmc=False, **scores)


def _new_tracklet(tracker: Any) -> Any:
    """A tracklet as the tracker makes them, of a box that stands for any."""
    from trackers.core.botsort.tracklet import BoTSORTTracklet
    from trackers.core.bytetrack.tracklet import ByteTrackTracklet
    from trackers.core.ocsort.tracklet import OCSORTTracklet

    kinds = {"ocsort": OCSORTTracklet, "bytetrack": ByteTrackTracklet}
    box = np.array([0.0, 0.0, 1.0, 1.0])
    return kinds.get(tracker.tracker_id, BoTSORTTracklet)(box, tracker.state_estimator_class)
