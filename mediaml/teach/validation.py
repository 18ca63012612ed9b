"""Cross-validation: every example is answered by a head that has not seen it, nor its near-duplicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mediaml.teach.calibration import softmax, temperature_of
from mediaml.teach.head import STRENGTHS, Head, Projection, Rows, Weighting, fit_heads

FOLDS = 5
_SHARES = (0.1, 0.2, 0.35, 0.5, 0.75)


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What the folds have answered.

    Attributes:
        probabilities: float64 [originals, classes], of the rows that are no copies, calibrated by the other
            folds. fold: which each was tested in.
        strength: the one that all folds together prefer. temperature: the one that fits all folds.
        curve: examples per class (of the smallest share of each fold) and accuracy.
    """

    probabilities: NDArray[np.float64] = field(repr=False)
    fold: NDArray[np.int64] = field(repr=False)
    strength: float
    temperature: float
    curve: tuple[tuple[float, float], ...] = ()


def fold_count(label: NDArray[np.int64], group: NDArray[np.int64]) -> int:
    """Folds that every class has groups for: five, or as many as the smallest class has; two at least."""
    fewest = min(len(np.unique(group[label == one])) for one in np.unique(label))
    return max(2, min(FOLDS, fewest))


def folds_of(label: NDArray[np.int64], group: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The fold in which each row is tested; the rows of a group share one, and classes are spread evenly."""
    from sklearn.model_selection import StratifiedGroupKFold

    count = fold_count(label, group)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    fold = np.zeros(len(label), dtype=np.int64)
    for index, (_, tested) in enumerate(splitter.split(np.zeros(len(label)), label, group)):
        fold[tested] = index
    return fold


def validate(
    rows: Rows, classes: int, weighting: Weighting, seed: int, step: Callable[[float], None]
) -> Validation:
    """Cross-validate.

    The regularisation and the temperature of a fold are those that the other folds prefer, so that no
    example has a say in how it is answered.

    Args:
        step: called with the share that is done.
    """
    originals = rows.of(~rows.copy)
    fold = folds_of(originals.label, originals.group, seed)
    count = int(fold.max()) + 1
    logits = np.zeros((len(STRENGTHS), len(originals), classes))
    curve: list[list[tuple[float, float]]] = []
    for index in range(count):
        tested = fold == index
        held_out = np.unique(originals.group[tested])
        learned = rows.of(~np.isin(rows.group, held_out))
        projection = Projection.of(learned.vectors)
        learned, test = projection.of_rows(learned), projection.of_rows(originals.of(tested))
        heads = fit_heads(learned, classes, STRENGTHS, weighting, seed)
        for place, head in enumerate(heads):
            logits[place, tested] = head.logits(test.vectors)
        step((index + 0.5) / count)
        curve.append(_curve(learned, test, classes, weighting, seed + index))
        step((index + 1) / count)
    losses = _losses(logits, originals.label)
    probabilities = np.zeros((len(originals), classes))
    for index in range(count):
        tested, others = fold == index, fold != index
        best = int(losses[:, others].mean(axis=1).argmin())
        temperature = temperature_of(logits[best, others], originals.label[others])
        probabilities[tested] = softmax(logits[best, tested] / temperature)
    best = int(losses.mean(axis=1).argmin())
    return Validation(
        probabilities,
        fold,
        STRENGTHS[best],
        temperature_of(logits[best], originals.label),
        _mean_curve(curve, originals, probabilities, count),
    )


def final_head(rows: Rows, classes: int, weighting: Weighting, seed: int, found: Validation) -> Head:
    """The head that ships, fitted to everything and calibrated."""
    projection = Projection.of(rows.vectors)
    (head,) = fit_heads(projection.of_rows(rows), classes, (found.strength,), weighting, seed)
    return projection.whole(head).tempered(found.temperature)


def _losses(logits: NDArray[np.float64], label: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log loss of each row at the best temperature of all: float64 [strengths, rows]."""
    found = []
    for one in logits:
        chances = softmax(one / temperature_of(one, label))
        found.append(-np.log(np.maximum(chances[np.arange(len(label)), label], 1e-12)))
    return np.stack(found)


def _curve(
    learned: Rows, tested: Rows, classes: int, weighting: Weighting, seed: int
) -> list[tuple[float, float]]:
    """Accuracy of heads that have learned from a share of the groups of each class."""
    points = []
    middle = STRENGTHS[len(STRENGTHS) // 2]
    for share in _SHARES:
        part = learned.of(_share_of(learned, share, seed))
        if len(np.unique(part.label)) < len(np.unique(learned.label)):
            continue
        (head,) = fit_heads(part, classes, (middle,), weighting, seed)
        right = head.logits(tested.vectors).argmax(axis=1) == tested.label
        points.append((share, float(right.mean())))
    return points


def _share_of(rows: Rows, share: float, seed: int) -> NDArray[np.bool_]:
    random = np.random.default_rng(seed)
    chosen: list[int] = []
    for one in np.unique(rows.label):
        groups = np.unique(rows.group[rows.label == one])
        count = max(1, round(share * len(groups)))
        chosen += random.permutation(groups)[:count].tolist()
    return np.isin(rows.group, chosen)


def _mean_curve(
    curves: list[list[tuple[float, float]]],
    originals: Rows,
    probabilities: NDArray[np.float64],
    count: int,
) -> tuple[tuple[float, float], ...]:
    """Files per class and accuracy, over the folds; the last point is that of the whole."""
    per_class = len(np.unique(originals.file)) / len(np.unique(originals.label)) * (count - 1) / count
    points = []
    for share in _SHARES:
        found = [accuracy for curve in curves for one, accuracy in curve if one == share]
        if len(found) == len(curves) and share * per_class >= 2:
            points.append((round(share * per_class, 1), float(np.mean(found))))
    whole = float((probabilities.argmax(axis=1) == originals.label).mean())
    return (*points, (round(per_class, 1), whole))
