"""ROC and precision-recall curves: step functions over every distinct score, as scikit-learn has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def ranked_counts(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """True and false positives at every distinct score, highest first.

    Returns:
        hits [k], false alarms [k], thresholds [k]: counts of items with a score of at least the threshold.
    """
    scores, positive = np.asarray(scores, np.float64), np.asarray(positive, bool)
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1] if len(ranked) else np.zeros(0, int)
    hits = np.cumsum(positive[order], dtype=np.float64)[last]
    return hits, last + 1.0 - hits, ranked[last]


def roc_curve(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """False-positive rate, true-positive rate and threshold, from (0, 0) at infinity to (1, 1)."""
    hits, alarms, thresholds = ranked_counts(scores, positive)
    positives = max(int(np.asarray(positive).sum()), 1)
    negatives = max(len(scores) - int(np.asarray(positive).sum()), 1)
    return (
        np.r_[0.0, alarms / negatives],
        np.r_[0.0, hits / positives],
        np.r_[np.inf, thresholds],
    )


def roc_auc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, by trapezoids; ties count half."""
    false_rate, true_rate, _ = roc_curve(scores, positive)
    return float(np.sum(np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2))


def pr_curve(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Recall (rising), precision and threshold at every distinct score."""
    hits, alarms, thresholds = ranked_counts(scores, positive)
    positives = max(int(np.asarray(positive).sum()), 1)
    return hits / positives, hits / np.maximum(hits + alarms, 1.0), thresholds


def average_precision(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Sum of precision x step in recall, not interpolated."""
    recall, precision, _ = pr_curve(scores, positive)
    return float(np.sum(np.diff(np.r_[0.0, recall]) * precision))
