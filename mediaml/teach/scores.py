"""Measures of a classifier, from probabilities of examples that it has not learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from mediaml.teach.calibration import Bin, calibration_error, reliability

_POINTS = 60
"""Points of a curve that is shown; more are thinned."""

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class against the others.

    Attributes:
        name: of the class. examples: that are tested.
        precision, recall, f1: of the answers without a threshold; `None` where nothing is counted.
        margin: half of the 95 % interval of the recall, by Wilson's formula.
        roc: false and true positive rate. pr: recall and precision.
        auc, ap: areas below them: `None` where a class is not tested.
    """

    name: str
    examples: int
    precision: float | None
    recall: float | None
    f1: float | None
    margin: float
    roc: Curve
    pr: Curve
    auc: float | None
    ap: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """Measures.

    Attributes:
        examples: tested. groups: of near-duplicates among them.
        accuracy: the share that is right, without a threshold. margin: see `ClassScores`.
        balanced_accuracy: mean recall of the classes that are tested. f1: mean of the classes.
        classes: in the order of the model's labels.
        confusion: per class, how often each class was answered.
        threshold: below it the answer is none of the classes. answered: the share above it.
        right_of_answered: the share of those that is right.
        calibration: see `Bin`. calibration_error: see there.
        log_loss: mean of -ln of the probability of the right class.
    """

    examples: int
    groups: int
    accuracy: float
    margin: float
    balanced_accuracy: float
    f1: float
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    threshold: float
    answered: float
    right_of_answered: float | None
    calibration: tuple[Bin, ...]
    calibration_error: float
    log_loss: float


def scores_of(
    probabilities: NDArray[np.float64],
    label: NDArray[np.int64],
    names: Sequence[str],
    threshold: float,
    groups: int,
) -> Scores:
    """Measure.

    Args:
        probabilities: [rows, classes]. label: the right class of each row.
        groups: independent ones among the rows, for the intervals.
    """
    answer = probabilities.argmax(axis=1)
    right = answer == label
    sure = probabilities.max(axis=1) >= threshold
    confusion = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(confusion, (label, answer), 1)
    share = groups / max(1, len(label))
    classes = tuple(_class(one, name, probabilities, label, share) for one, name in enumerate(names))
    recalls = [one.recall for one in classes if one.recall is not None]
    bins = reliability(probabilities, label)
    chosen = np.maximum(probabilities[np.arange(len(label)), label], 1e-12)
    return Scores(
        examples=len(label),
        groups=groups,
        accuracy=float(right.mean()),
        margin=margin(float(right.mean()), groups),
        balanced_accuracy=float(np.mean(recalls)),
        f1=float(np.mean([one.f1 or 0.0 for one in classes if one.examples])),
        classes=classes,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        threshold=threshold,
        answered=float(sure.mean()),
        right_of_answered=float(right[sure].mean()) if sure.any() else None,
        calibration=bins,
        calibration_error=calibration_error(bins),
        log_loss=float(-np.log(chosen).mean()),
    )


def margin(share: float, count: float) -> float:
    """Half of Wilson's 95 % interval of a share among `count` independent trials."""
    if count <= 0:
        return 1.0
    z = 1.96
    return z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))


def _class(
    one: int, name: str, probabilities: NDArray[np.float64], label: NDArray[np.int64], share: float
) -> ClassScores:
    truth, answered = label == one, probabilities.argmax(axis=1) == one
    hits = int((truth & answered).sum())
    examples = int(truth.sum())
    precision = hits / int(answered.sum()) if answered.any() else None
    recall = hits / examples if examples else None
    f1 = 2 * hits / (int(answered.sum()) + examples) if examples else None
    both = examples and not truth.all()
    roc, pr, auc, ap = _curves(truth, probabilities[:, one]) if both else ((), (), None, None)
    wide = margin(recall or 0.0, examples * share)
    return ClassScores(name, examples, precision, recall, f1, wide, roc, pr, auc, ap)


def _curves(
    truth: NDArray[np.bool_], chance: NDArray[np.float64]
) -> tuple[Curve, Curve, float | None, float | None]:
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    false, true, _ = roc_curve(truth, chance)
    precision, recall, _ = precision_recall_curve(truth, chance)
    return (
        _points(false, true),
        _points(recall[::-1], precision[::-1]),
        float(roc_auc_score(truth, chance)),
        float(average_precision_score(truth, chance)),
    )


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    places = np.unique(np.linspace(0, len(x) - 1, min(_POINTS, len(x))).round().astype(int))
    return tuple((round(float(x[place]), 4), round(float(y[place]), 4)) for place in places)
