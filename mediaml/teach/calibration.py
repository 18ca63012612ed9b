"""Probabilities that mean what they say: temperature, threshold, reliability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
KEPT = 0.95
"""The share of right answers that the default threshold keeps."""
HIGHEST = 0.8
"""The highest default threshold: new pictures are less clear than those that were chosen as examples."""
_TEMPERATURES = np.exp(np.linspace(np.log(0.1), np.log(10), 81))


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of similar certainty.

    Attributes:
        answers: their number. said: their mean probability. right: the share that is right.
    """

    answers: int
    said: float
    right: float


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities over the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float64)


def temperature_of(logits: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """The number that logits are divided by for the least log loss (Guo et al. 2017), 0.1 to 10.

    The right class counts as a little less than certain, by the number of examples, as Platt (1999) has it:
    else a few examples that are all right would make a model that is always sure.
    """
    count, classes = logits.shape
    doubt = 1 / (count / classes + 2)
    target = np.full(logits.shape, doubt / (classes - 1))
    target[np.arange(count), label] = 1 - doubt
    losses = [
        -(target * np.log(np.maximum(softmax(logits / one), 1e-12))).sum(axis=1).mean()
        for one in _TEMPERATURES
    ]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def threshold_of(probabilities: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """The probability that 95 % of the right answers reach, in hundredths, 0.8 at most.

    An answer below it is none of the classes.
    """
    best = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label
    if not right.any():
        return round(1 / int(probabilities.shape[1]), 2)
    reached = float(np.quantile(best[right], 1 - KEPT))
    return min(HIGHEST, int(100 * reached) / 100)


def reliability(probabilities: NDArray[np.float64], label: NDArray[np.int64]) -> tuple[Bin, ...]:
    """Answers in ten bins by their probability; empty bins are left out."""
    best = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label
    place = np.minimum((best * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(int(inside.sum()), float(best[inside].mean()), float(right[inside].mean()))
        for one in range(BINS)
        if (inside := place == one).any()
    )


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """The expected calibration error: the mean gap between what is said and what is right."""
    total = sum(one.answers for one in bins)
    return sum(one.answers * abs(one.said - one.right) for one in bins) / total if total else 0.0
