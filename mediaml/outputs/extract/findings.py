"""What was found in one source, as the pieces that can be taken out of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mediaml.core.prediction import Detection, Label
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import Results


@dataclass(frozen=True, slots=True)
class Finding:
    """A frame, clip or window of audio in which something was found.

    Attributes:
        frame, time_s, duration_s: number of the frame, its time and how long it lasts, seconds.
        labels, detections: of all models.
        is_clip: whether it is a clip, in which some frame begins, of all frames from `time_s` on.
    """

    frame: int
    time_s: float
    duration_s: float
    labels: tuple[Label, ...] = ()
    detections: tuple[Detection, ...] = ()
    is_clip: bool = False

    def best(self) -> dict[str, float]:
        """The highest score of each label."""
        found: dict[str, float] = {}
        for label in (*self.labels, *(one.label for one in self.detections)):
            found[label.name] = max(label.score, found.get(label.name, 0.0))
        return found


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a source in which something was found.

    Attributes:
        start_s, end_s: seconds, padding included.
        labels: the highest score of each label in it.
    """

    start_s: float
    end_s: float
    labels: dict[str, float] = field(default_factory=dict)


def findings(results: Results, source: SourceRow) -> list[Finding]:
    """What results show of a source, by time."""
    found: dict[tuple[float, float], Finding] = {}
    for model, kept in results.kept(source.id):
        labels, detections = kept.shown_labels(), kept.shown_detections()
        if not labels and not detections:
            continue
        moment = kept.time_s, kept.duration_s
        other = found.get(moment, Finding(kept.frame, *moment, is_clip=model.clip_frames is not None))
        both = other.labels + labels, other.detections + detections
        found[moment] = Finding(other.frame, *moment, *both, other.is_clip)
    return sorted(found.values(), key=lambda one: one.time_s)


def thinned(found: Iterable[Finding], every_s: float) -> list[Finding]:
    """At most one finding in so many seconds; 0 keeps all."""
    kept: list[Finding] = []
    for one in found:
        if not kept or one.time_s - kept[-1].time_s >= every_s - 1e-6:
            kept.append(one)
    return kept


def parts(found: Iterable[Finding], padding_s: float, length_s: float) -> list[Part]:
    """Stretches in which something was found, each padded; those that then meet are one.

    Args:
        length_s: of the source, seconds; padding ends there.
    """
    merged: list[Part] = []
    for one in found:
        until_s = one.time_s + one.duration_s
        start_s, end_s = max(0.0, one.time_s - padding_s), max(until_s, min(length_s, until_s + padding_s))
        if merged and start_s <= merged[-1].end_s + 1e-6:
            last = merged.pop()
            scores = {
                name: max(last.labels.get(name, 0.0), score)
                for name, score in (last.labels | one.best()).items()
            }
            merged.append(Part(last.start_s, max(last.end_s, end_s), scores))
        else:
            merged.append(Part(start_s, end_s, one.best()))
    return merged
