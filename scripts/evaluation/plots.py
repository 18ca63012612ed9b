"""Plots of a training and of a classifier, as PNG; matplotlib's Agg canvas, no display needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.evaluation.curves import average_precision, pr_curve, roc_auc, roc_curve


def new_figure(columns: int) -> tuple[Any, list[Any]]:
    """A figure with a row of axes, outside of pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * columns, 4), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, columns, 1 + column) for column in range(columns)]


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG, its folder made first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")


def plot_learning_curve(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Losses on the left, everything else on the right, over epochs.

    Args:
        history: one mapping an epoch; `epoch` is the x axis (else the position), names with `loss` go left.
        path: the PNG to write.
    """
    figure, (left, right) = new_figure(2)
    names = list(dict.fromkeys(name for row in history for name in row if name != "epoch"))
    for name in names:
        rows = [(row.get("epoch", place), row[name]) for place, row in enumerate(history) if name in row]
        axis = left if "loss" in name else right
        axis.plot(*zip(*rows, strict=True), label=name)
    for axis, title in ((left, "loss"), (right, "metrics")):
        axis.set(xlabel="epoch", title=title)
        axis.grid(alpha=0.3)
        if axis.get_legend_handles_labels()[1]:
            axis.legend()
    save(figure, path)


def plot_roc_pr(scores: Any, positive: Any, path: Path, *, name: str = "") -> None:
    """ROC and precision-recall curve of one score, or of several.

    Args:
        scores: float [n] or [n, k]; with k columns each is one label against the rest.
        positive: bool [n] or [n, k].
        path: the PNG to write.
        name: of the curve, or several names parted by commas, one a column.
    """
    scores, positive = np.asarray(scores, np.float64), np.asarray(positive, bool)
    scores, positive = scores.reshape(len(scores), -1), positive.reshape(len(positive), -1)
    names = name.split(",") if name else []
    figure, (left, right) = new_figure(2)
    for column in range(scores.shape[1]):
        label = names[column] if column < len(names) else str(column)
        pair = scores[:, column], positive[:, column]
        left.plot(*roc_curve(*pair)[:2], label=f"{label} AUC {roc_auc(*pair):.4f}")
        right.step(*pr_curve(*pair)[:2], where="pre", label=f"{label} AP {average_precision(*pair):.4f}")
    left.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
    right.set(xlabel="recall", ylabel="precision", title="precision-recall")
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    save(figure, path)


def plot_confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]], path: Path) -> None:
    """A confusion matrix with its counts; row = truth, column = answer; shaded by share of the row."""
    counts = np.asarray(matrix)
    figure, (axis,) = new_figure(1)
    axis.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axis.set_yticks(range(len(labels)), labels)
    axis.set(xlabel="answer", ylabel="truth")
    for row, column in np.argwhere(counts > 0):
        share = counts[row, column] / counts[row].sum()
        text = {"ha": "center", "va": "center", "fontsize": 6, "color": "white" if share > 0.5 else "black"}
        axis.text(column, row, str(counts[row, column]), **text)
    save(figure, path)
