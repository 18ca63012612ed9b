"""Tracks: the same number for the same object in all frames of a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from mediaml.core.errors import require
from mediaml.core.view import View
from mediaml.derive.base import Derived
from mediaml.derive.plain import pack, unpack
from mediaml.derive.tracker import TRACKERS, Tracker, library_version
from mediaml.ledger.derivations import FoundFrame

_VERSION = "1"
_WEAKEST = 0.1
"""Score of the weakest detections that may continue an object; that of the ByteTrack paper."""


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """What decides tracks.

    Attributes:
        tracker: one of `TRACKERS`.
        min_score: score from which a detection begins an object, 0..1; weaker ones, down to 0.1, may continue
            it.
        classes: names of the classes that are followed; empty for all.
        lost_s: seconds after which an object that is not found any more is given up.
    """

    tracker: str = "bytetrack"
    min_score: float = 0.25
    classes: tuple[str, ...] = ()
    lost_s: float = 1.0

    def __post_init__(self) -> None:
        require(self.tracker in TRACKERS, f"no tracker {self.tracker!r}")
        require(0.0 <= self.min_score <= 1.0, f"min_score must be in 0..1, not {self.min_score}")
        require(self.lost_s >= 0.0, f"lost_s must not be negative, not {self.lost_s}")


class Tracks:
    """The `Derivation` that numbers objects across frames.

    Raises:
        UsageError: the package `trackers` is not installed.
    """

    kind = "tracks"

    def __init__(self, options: TrackOptions) -> None:
        self._options = options
        classes = sorted({name.casefold() for name in options.classes})
        record = {
            "tracker": options.tracker,
            "min_score": options.min_score,
            "classes": classes,
            "lost_s": options.lost_s,
        }
        self.options = msgspec.json.encode(record, order="deterministic").decode()
        self.version = f"{_VERSION}, trackers {library_version()}"
        self.view = View(min(_WEAKEST, options.min_score), options.classes)

    def derive(self, frames: Sequence[FoundFrame], state: bytes | None) -> Derived:
        """See `Derivation`."""
        chosen = self._options
        tracker = Tracker(
            chosen.tracker, chosen.min_score, chosen.lost_s, None if state is None else unpack(state)
        )
        rows = []
        for frame in frames:
            numbers = tracker.update(frame.time_s, frame.boxes, frame.scores, frame.classes)
            rows += [
                (frame.frame, place, number)
                for place, number in zip(frame.places.tolist(), numbers.tolist(), strict=True)
                if number
            ]
        return Derived(tuple(rows), pack(tracker.state()))
