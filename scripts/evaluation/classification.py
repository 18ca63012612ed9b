"""Figures of a classifier, from its probabilities: pure numpy functions that no evaluator writes again.

Definitions follow the usual ones: precision, recall and F1 as in van Rijsbergen (Information Retrieval,
1979); macro means are unweighted over the labels that occur in the truth; the expected
calibration error is that of Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), 15 bins of
equal width over the top score. Curves come from `curves`, plots from `plots`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.evaluation.curves import Floats, average_precision, pr_curve, roc_auc, roc_curve
from scripts.evaluation.plots import plot_confusion, plot_learning_curve, plot_roc_pr

__all__ = [
    "average_precision",
    "calibration_error",
    "classification_report",
    "confusion_matrix",
    "label_figures",
    "plot_confusion",
    "plot_learning_curve",
    "plot_roc_pr",
    "pr_curve",
    "roc_auc",
    "roc_curve",
]

Ints = NDArray[np.integer[Any]]

CALIBRATION_BINS = 15


def confusion_matrix(truth: Ints, answers: Ints, labels: int) -> NDArray[np.int64]:
    """Counts [labels, labels]: row = truth, column = answer.

    Raises:
        ValueError: the lengths differ, or an index is outside 0..labels-1.
    """
    truth, answers = np.asarray(truth, np.int64), np.asarray(answers, np.int64)
    if truth.shape != answers.shape or truth.ndim != 1:
        raise ValueError(f"truth {truth.shape} and answers {answers.shape} must be rows of one length")
    for name, values in (("truth", truth), ("answers", answers)):
        if values.size and (values.min() < 0 or values.max() >= labels):
            raise ValueError(f"{name} must lie in 0..{labels - 1}, not {values.min()}..{values.max()}")
    flat = np.bincount(truth * labels + answers, minlength=labels * labels)
    return flat.reshape(labels, labels).astype(np.int64)


def ratio(part: float, whole: float) -> float:
    """part / whole, and 0 where there is nothing to divide by."""
    return float(part / whole) if whole else 0.0


def label_figures(matrix: Ints) -> list[dict[str, float]]:
    """Precision, recall, F1 and support of every label of a confusion matrix [labels, labels]."""
    figures = []
    for index in range(len(matrix)):
        hits = float(matrix[index, index])
        precision = ratio(hits, float(matrix[:, index].sum()))
        recall = ratio(hits, float(matrix[index].sum()))
        f1 = ratio(2 * precision * recall, precision + recall)
        support = int(matrix[index].sum())
        figures.append({"precision": precision, "recall": recall, "f1": f1, "support": support})
    return figures


def calibration_error(scores: Floats, correct: NDArray[np.bool_], bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error: mean |accuracy - mean score| over score bins, weighted by their items.

    Args:
        scores: [n] score of the answer that was given, 0..1.
        correct: [n] whether that answer was right.
        bins: number of bins of equal width.
    """
    scores = np.asarray(scores, np.float64)
    place = np.clip(np.ceil(scores * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    gap = np.bincount(place, weights=np.asarray(correct, np.float64), minlength=bins)
    gap -= np.bincount(place, weights=scores, minlength=bins)
    return ratio(float(np.abs(gap).sum()), float(count.sum()))


def classification_report(probabilities: Floats, truth: Ints, labels: Sequence[str]) -> dict[str, Any]:
    """Everything that a card says of a classifier on one set of items.

    Args:
        probabilities: float [n, labels], each row summing to one (not checked).
        truth: int [n], index into `labels`.
        labels: names, in the order of the columns.

    Returns:
        `items`, `accuracy`, macro `precision`, `recall`, `f1`, `ece`, `per_label` (name to precision, recall,
        f1, support) and `confusion` (`labels`, `matrix`: row = truth, column = answer); plain Python values.

    Raises:
        ValueError: shapes do not fit, or there are no items.
    """
    probabilities, truth = np.asarray(probabilities), np.asarray(truth, np.int64)
    if probabilities.shape != (len(truth), len(labels)) or not len(truth):
        raise ValueError(
            f"probabilities {probabilities.shape} do not fit {len(truth)} items, {len(labels)} labels"
        )
    answers = probabilities.argmax(axis=1)
    matrix = confusion_matrix(truth, answers, len(labels))
    figures = label_figures(matrix)
    seen = [row for row in figures if row["support"]]
    return {
        "items": len(truth),
        "accuracy": float((answers == truth).mean()),
        **{name: float(np.mean([row[name] for row in seen])) for name in ("precision", "recall", "f1")},
        "ece": calibration_error(probabilities.max(axis=1), answers == truth),
        "per_label": dict(zip(labels, figures, strict=True)),
        "confusion": {"labels": list(labels), "matrix": matrix.tolist()},
    }
