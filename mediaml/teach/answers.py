"""How each example was answered, the most wrong first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediaml.teach.examples import Examples
from mediaml.teach.features import Features
from mediaml.teach.head import Rows
from mediaml.teach.records import Answered, Measured
from mediaml.teach.scores import scores_of


def tested(
    examples: Examples,
    features: Features,
    rows: Rows,
    probabilities: NDArray[np.float64],
    threshold: float,
) -> Measured:
    """Measure, and list the answers.

    Args:
        rows: of the features, in their order. probabilities: [rows, classes].
    """
    scores = scores_of(probabilities, rows.label, examples.classes, threshold, len(np.unique(rows.group)))
    places = np.arange(len(rows))
    own = probabilities[places, rows.label]
    best = probabilities.argmax(axis=1)
    answers = []
    for row in np.argsort(own - probabilities[places, best] + 1e-6 * own, kind="stable"):
        item = examples.items[int(rows.file[row])]
        answers.append(
            Answered(
                file=item.shown,
                path=item.path,
                kind=item.kind,
                time_s=float(features.time_s[row]),
                label=item.label,
                answer=examples.classes[int(best[row])],
                score=float(probabilities[row, best[row]]),
                own=float(own[row]),
            )
        )
    return Measured(scores, tuple(answers))
