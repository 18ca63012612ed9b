"""The units of the ledger's columns.

A score is a number of 1/100 000 and an edge of a box one of 1/100 pixel: far below a model's accuracy, and
coarse enough to hide rounding that depends on the batch size. Scores are rounded down, so that a
threshold of up to five decimals selects from the ledger exactly what it selects in the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mediaml.core.view import View, least_score

SCORE_UNITS, BOX_UNITS = 100_000, 100
"""Units in a score of 1, and in a pixel."""
SCORE_PLACES, BOX_PLACES = 5, 2
"""The decimals that these are."""
# Beyond any image, and within what SQLite and MessagePack take as an integer.
_FARTHEST = 2.0**53


def score_units(scores: Sequence[float]) -> NDArray[np.int64]:
    """Scores 0..1 as the largest numbers of units that are not above them, in float32 as models compute."""
    given = np.asarray(scores, np.float64)
    units = np.rint(given * SCORE_UNITS).astype(np.int64)
    above = (units / SCORE_UNITS).astype(np.float32) > given.astype(np.float32)
    return np.asarray(units - above, dtype=np.int64)


def least_units(view: View) -> int:
    """The least score, in units, that a view shows."""
    units = round(least_score(view.min_score) * SCORE_UNITS)
    return units + (units / SCORE_UNITS < least_score(view.min_score))


def box_units(places: Sequence[Sequence[float]], axes: int = 4) -> NDArray[np.int64]:
    """Pixels [n, axes] as whole numbers of 1/100 pixel: the corners of boxes, or with two axes points."""
    scaled = np.rint(np.asarray(places, np.float64).reshape(-1, axes) * BOX_UNITS)
    return np.asarray(np.clip(scaled, -_FARTHEST, _FARTHEST), dtype=np.int64)
