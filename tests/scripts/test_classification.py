"""The figures of a classifier against worked examples and against laws that they must keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.evaluation import classification as figures


def test_confusion_rows_are_truth() -> None:
    matrix = figures.confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_confusion_refuses_foreign_indices() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        figures.confusion_matrix(np.array([0, 2]), np.array([0, 1]), 2)


def test_report_on_a_worked_example() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    report = figures.classification_report(probabilities, np.array([0, 0, 1, 1]), ["no", "yes"])
    assert report["accuracy"] == 0.75
    assert report["per_label"]["no"] == pytest.approx(
        {"precision": 2 / 3, "recall": 1.0, "f1": 0.8, "support": 2}
    )
    assert report["confusion"] == {"labels": ["no", "yes"], "matrix": [[2, 0], [1, 1]]}
    assert report["ece"] == pytest.approx((0.1 + 0.4 + 0.2 + 0.7) / 4)


def test_report_refuses_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        figures.classification_report(np.zeros((2, 3)), np.array([0, 1]), ["a", "b"])


def test_calibration_of_a_sure_and_right_net_is_zero() -> None:
    assert figures.calibration_error(np.ones(5), np.ones(5, bool)) == 0.0
    assert figures.calibration_error(np.ones(4), np.array([True, False, True, False])) == 0.5


def test_roc_and_average_precision_of_scikit_learns_documented_example() -> None:
    """The example in the documentation of roc_auc_score and average_precision_score: .75 and .83."""
    scores, positive = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert figures.roc_auc(scores, positive) == pytest.approx(0.75)
    assert figures.average_precision(scores, positive) == pytest.approx(0.8333333)


ITEMS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=60)


@given(ITEMS)
def test_auc_is_the_chance_that_a_positive_ranks_above_a_negative(items: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s for s, _ in items], float), np.array([p for _, p in items])
    above, below = scores[positive], scores[~positive]
    if len(above) and len(below):
        pairs = np.sign(above[:, None] - below[None]) / 2 + 0.5
        assert figures.roc_auc(scores, positive) == pytest.approx(float(pairs.mean()))


@given(ITEMS)
def test_curves_rise(items: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s for s, _ in items], float), np.array([p for _, p in items])
    false_rate, true_rate, thresholds = figures.roc_curve(scores, positive)
    assert (np.diff(false_rate) >= 0).all() and (np.diff(true_rate) >= 0).all()
    assert (np.diff(thresholds) < 0).all()
    assert (np.diff(figures.pr_curve(scores, positive)[0]) >= 0).all()


@pytest.mark.train  # matplotlib comes with that extra
def test_plots_are_png(tmp_path: Path) -> None:
    from scripts.evaluation import plots

    plots.plot_learning_curve([{"epoch": 1, "loss": 2.0, "accuracy": 0.5}], tmp_path / "a" / "curve.png")
    plots.plot_roc_pr(np.array([0.1, 0.9]), np.array([False, True]), tmp_path / "roc.png", name="yes")
    plots.plot_confusion(["a", "b"], [[3, 0], [1, 2]], tmp_path / "confusion.png")
    for path in (tmp_path / "a" / "curve.png", tmp_path / "roc.png", tmp_path / "confusion.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
