"""Scores against scikit-learn, calibration and forecasts against what they were made from."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from mediaml.teach.calibration import reliability, softmax, temperature_of, threshold_of
from mediaml.teach.forecast import forecast
from mediaml.teach.scores import margin, scores_of

NAMES = ("a", "b", "c")


def made(count: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a classifier that is often right, and the truth."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 3, count)
    logits = random.normal(size=(count, 3))
    logits[np.arange(count), label] += 1.5
    return logits, label


def test_scores_are_those_of_scikit_learn() -> None:
    logits, label = made()
    chances = softmax(logits)
    answer = chances.argmax(axis=1)
    found = scores_of(chances, label, NAMES, 0.6, groups=400)
    precision, recall, f1, counts = metrics.precision_recall_fscore_support(label, answer)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(label, answer))
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(label, answer))
    assert found.f1 == pytest.approx(metrics.f1_score(label, answer, average="macro"))
    assert found.log_loss == pytest.approx(metrics.log_loss(label, chances))
    assert np.array(found.confusion).tolist() == metrics.confusion_matrix(label, answer).tolist()
    for place, one in enumerate(found.classes):
        assert (one.precision, one.recall, one.f1) == pytest.approx(
            (precision[place], recall[place], f1[place])
        )
        assert one.examples == counts[place]
        assert one.auc == pytest.approx(metrics.roc_auc_score(label == place, chances[:, place]))
        assert one.roc[0] == (0.0, 0.0)
        assert one.roc[-1] == (1.0, 1.0)
    sure = chances.max(axis=1) >= 0.6
    assert found.answered == pytest.approx(sure.mean())
    assert found.right_of_answered == pytest.approx((answer == label)[sure].mean())


def test_a_class_that_is_not_tested_has_no_figures() -> None:
    found = scores_of(softmax(made()[0][:2]), np.array([0, 1]), NAMES, 0.5, groups=2)
    assert found.classes[2].recall is None
    assert found.classes[2].auc is None
    assert found.classes[2].examples == 0


def test_the_margin_is_wilsons() -> None:
    # Newcombe (1998), table I, method 3: 81 of 263 has the interval .2553 to .3662.
    assert 2 * margin(81 / 263, 263) == pytest.approx(0.3662 - 0.2553, abs=1e-4)
    assert margin(1.0, 5) == pytest.approx((1 - 0.5655) / 2, abs=1e-3)


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(factor: float) -> None:
    random = np.random.default_rng(4)
    logits = random.normal(0, 2, (6000, 3))
    label = np.array([random.choice(3, p=chance) for chance in softmax(logits)])
    assert temperature_of(logits * factor, label) == pytest.approx(factor, rel=0.1)


def test_a_few_examples_that_are_all_right_do_not_make_a_model_that_is_always_sure() -> None:
    label = np.repeat([0, 1], 5)
    logits = np.where(np.eye(2)[label] > 0, 4.0, -4.0)
    assert softmax(logits / temperature_of(logits, label)).max() < 0.95


def test_the_threshold_keeps_nineteen_of_twenty_right_answers() -> None:
    best = np.linspace(0.5, 0.75, 1001)
    chances = np.stack([best, 1 - best], axis=1)
    threshold = threshold_of(chances, np.zeros(1001, dtype=int))
    assert (best >= threshold).mean() == pytest.approx(0.95, abs=0.05)
    sure = np.full((50, 2), (0.99, 0.01))
    assert threshold_of(sure, np.zeros(50, dtype=int)) == 0.8
    assert threshold_of(sure, np.ones(50, dtype=int)) == 0.5


def test_reliability_counts_every_answer_once() -> None:
    logits, label = made()
    bins = reliability(softmax(logits), label)
    assert sum(one.answers for one in bins) == 400
    assert sum(one.answers * one.right for one in bins) == pytest.approx(
        (logits.argmax(axis=1) == label).sum()
    )


def test_a_curve_is_continued() -> None:
    counts = np.array([10.0, 20.0, 35.0, 50.0, 75.0, 100.0])
    curve = [(count, 1 - (0.05 + 0.9 * count**-0.5)) for count in counts]
    found = forecast(curve)
    assert found is not None
    assert found.examples == 200
    assert found.accuracy == pytest.approx(1 - (0.05 + 0.9 * 200**-0.5), abs=1e-3)
    assert found.gain == pytest.approx(0.9 * (100**-0.5 - 200**-0.5), abs=1e-3)


def test_a_flat_curve_promises_nothing_and_a_short_one_says_nothing() -> None:
    flat = forecast([(10.0, 0.9), (20.0, 0.9), (40.0, 0.9), (80.0, 0.9)])
    assert flat is not None
    assert flat.gain == pytest.approx(0, abs=1e-6)
    assert forecast([(10.0, 0.5), (20.0, 0.6)]) is None
