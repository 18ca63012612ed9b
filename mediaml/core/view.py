"""Views select from the predictions that the ledger keeps.

A model runs at a low floor, and the ledger keeps what it found. A higher threshold, a choice of classes or
a smaller number of labels or boxes only selects among that, so it costs no inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from mediaml.core.errors import OptionError, require
from mediaml.core.prediction import Detection, Label, Prediction

KEPT_BELOW = 100
"""Detections of a frame that are kept in all where some of them are below the score asked for.

At a floor of 0.05 a detector's tail of weak boxes is longer than its list of useful ones, and the tail
decides the size of a ledger. A crowd of more than this many useful detections is kept whole.
"""


@dataclass(frozen=True, slots=True)
class View:
    """What to select; the default selects everything.

    Attributes:
        min_score: minimum score of a label or detection, 0..1.
        classes: names of the labels and detections wanted, in any letter case; empty for all.
        top: number of labels per frame, the first ones; `None` for all.
        max_detections: number of detections per frame, the first ones; `None` for all.

    Raises:
        ValueError: when a number is out of its range.
    """

    min_score: float = 0.0
    classes: tuple[str, ...] = ()
    top: int | None = None
    max_detections: int | None = None

    def __post_init__(self) -> None:
        require(0.0 <= self.min_score <= 1.0, f"min_score must be in 0..1, not {self.min_score}")
        for name in ("top", "max_detections"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"{name} must be at least 1, not {value}")


EVERYTHING = View()


def least_score(min_score: float) -> float:
    """The number that a score is compared with.

    Models compare in float32, where 0.7 is a little less than 0.7: a score that equals the threshold there
    must not be lost here.
    """
    return min(min_score, float(np.float32(min_score)))


def select(prediction: Prediction, view: View) -> Prediction:
    """The part of a prediction that a view shows, in the order of the prediction.

    Of a prediction made at a lower threshold this is what the model itself would return at
    `view.min_score`, for greedy non-maximum suppression: a weaker box never suppresses a stronger one.
    Embedding and picture stay.
    """
    if view == EVERYTHING:
        return prediction
    least = least_score(view.min_score)
    wanted = {name.casefold() for name in view.classes}

    def shown(label: Label) -> bool:
        return label.score >= least and (not wanted or label.name.casefold() in wanted)

    labels = tuple(label for label in prediction.labels if shown(label))
    detections = tuple(detection for detection in prediction.detections if shown(detection.label))
    return replace(prediction, labels=labels[: view.top], detections=detections[: view.max_detections])


def bounded(prediction: Prediction, keep: float, most: int = KEPT_BELOW) -> tuple[Prediction, float | None]:
    """A prediction with a bound on the detections that are below a score.

    Args:
        keep: detections of at least this score are all kept.
        most: the best of the others are kept as long as there are no more than this in all.

    Returns:
        The prediction, and the highest score among the detections left out; `None` where none was.
    """
    found = prediction.detections
    least = least_score(keep)
    weak = [place for place, one in enumerate(found) if one.label.score < least]
    excess = min(len(weak), len(found) - most)
    if excess <= 0:
        return prediction, None
    weakest = sorted(weak, key=lambda place: (found[place].label.score, -place))[:excess]
    dropped = frozenset(weakest)
    kept: tuple[Detection, ...] = tuple(one for place, one in enumerate(found) if place not in dropped)
    return replace(prediction, detections=kept), max(found[place].label.score for place in weakest)


def class_ids(wanted: Sequence[str], labels: Sequence[str], model: str) -> tuple[int, ...]:
    """The ids, ascending, of classes given by name or by id; names are looked up first, in any letter case.

    Args:
        labels: all labels of the model; a label's id is its place.
        model: its name, for the error.

    Raises:
        OptionError: a class is unknown; suggests the nearest name.
    """
    known = {label.casefold(): index for index, label in reversed(list(enumerate(labels)))}
    return tuple(sorted({_class_id(name.strip(), known, labels, model) for name in wanted}))


def _class_id(name: str, known: dict[str, int], labels: Sequence[str], model: str) -> int:
    if name.casefold() in known:
        return known[name.casefold()]
    if name.isascii() and name.isdigit() and int(name) < len(labels):
        return int(name)
    hint = _class_hint(name.casefold(), known, labels, model)
    raise OptionError(f"model {model!r} has no class {name!r}.", hint)


def _class_hint(name: str, known: dict[str, int], labels: Sequence[str], model: str) -> str:
    # A part of a label that holds commas is nearer to that part than to the whole.
    parts = {part.strip(): label for label in known for part in (label, *label.split(","))}
    near = get_close_matches(name, parts, n=1)
    if not near:
        mark = "; " if any("," in label for label in labels[:5]) else ", "
        some = mark.join([*labels[:5], *(["…"] if len(labels) > 5 else [])])
        return f"It has {len(labels)} classes: {some}"
    label = labels[known[parts[near[0]]]]
    if "," in label:
        return f"""Did you mean {label!r}? Quote it: -O '{model}.classes="{label}"'"""
    return f"Did you mean {label!r}?"
