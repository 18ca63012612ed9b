"""What more examples would bring: a curve through the accuracies of smaller shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_EXPONENTS = (0.3, 0.5, 0.7, 1.0)
_LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected.

    Attributes:
        examples: per class. accuracy: expected with them. gain: over the accuracy now.
    """

    examples: int
    accuracy: float
    gain: float


def forecast(curve: Sequence[tuple[float, float]]) -> Forecast | None:
    """The accuracy with twice as many examples per class; `None` where the curve says too little.

    The error is taken to fall as a + b n^-c (Cortes et al. 1993), a and b not below zero, fitted to the
    points by least squares, larger shares with more weight.

    Args:
        curve: examples per class and accuracy, ascending.
    """
    if len(curve) < _LEAST_POINTS:
        return None
    counts = np.array([count for count, _ in curve])
    errors = np.array([1 - accuracy for _, accuracy in curve])
    weights = np.sqrt(counts)
    best: tuple[float, float, float, float] | None = None
    for exponent in _EXPONENTS:
        falling = counts**-exponent
        floor, factor = _least_squares(falling, errors, weights)
        miss = float((weights * (floor + factor * falling - errors) ** 2).sum())
        if best is None or miss < best[0]:
            best = (miss, floor, factor, exponent)
    assert best is not None
    _, floor, factor, exponent = best
    wanted = 2 * counts[-1]
    expected = floor + factor * wanted**-exponent
    fitted_now = floor + factor * counts[-1] ** -exponent
    gain = float(max(0.0, fitted_now - expected))
    return Forecast(round(float(wanted)), min(1.0, curve[-1][1] + gain), gain)


def _least_squares(
    falling: np.ndarray[tuple[int], np.dtype[np.float64]],
    errors: np.ndarray[tuple[int], np.dtype[np.float64]],
    weights: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> tuple[float, float]:
    """Floor and factor, none below zero, of errors = floor + factor * falling."""
    root = np.sqrt(weights)
    columns = np.stack([root, root * falling], axis=1)
    floor, factor = np.linalg.lstsq(columns, root * errors, rcond=None)[0]
    if floor < 0:
        return 0.0, float((weights * falling * errors).sum() / (weights * falling**2).sum())
    if factor < 0:
        return float((weights * errors).sum() / weights.sum()), 0.0
    return float(floor), float(factor)
