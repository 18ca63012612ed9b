"""From a track of class probabilities to the digits in it: one answer and one owner per peak.

A track is float32 [positions, labels]: one row of probabilities every 50 ms, already averaged over three
rows. Of a window's 30 rows the four in the middle are its own: the windows' own rows tile the timeline. The
rows up to `RADIUS` further are the same numbers that the neighbouring windows have there (the net sees 375
ms to either side, which the window holds), so that all windows agree on which row is a peak and no window
need know the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mediaml.plugin import Float32Array

DIGITS = 10
SILENCE, OTHER = 10, 11
# Rows of a window that are its own: from FIRST_OWN, one hop (0.2 s) of them.
FIRST_OWN, OWN = 13, 4
# Two digits are at least 4 rows (0.2 s) apart; of closer peaks the higher one counts.
RADIUS = 4


@dataclass(frozen=True, slots=True)
class Peak:
    """A digit in a track: its row, which digit, and the probability, 0..1."""

    row: int
    digit: int
    score: float


def peaks(track: Float32Array, start: int, stop: int, min_score: float) -> Iterator[Peak]:
    """The digits whose peak lies in rows start..stop-1 of a track, in order of time.

    Args:
        track: float32 [positions, labels], the digits' probabilities in the first ten columns.
        start, stop: rows that are answered for.
        min_score: least probability of a peak.

    Yields:
        Every row whose highest digit probability is at least `min_score`, larger than that of the `RADIUS`
        rows before and not smaller than that of the `RADIUS` rows after.
    """
    height = track[:, :DIGITS].max(axis=1)
    for row in range(start, stop):
        before = height[max(0, row - RADIUS) : row]
        after = height[row + 1 : row + 1 + RADIUS]
        if height[row] >= min_score and (height[row] > before).all() and (height[row] >= after).all():
            yield Peak(row, int(track[row, :DIGITS].argmax()), float(height[row]))


def own_rows(rows: int, first: bool, last: bool) -> tuple[int, int]:
    """Start and stop of the rows that a window answers for: the middle, and the edges of the recording."""
    return (0 if first else FIRST_OWN), (rows if last else FIRST_OWN + OWN)


def rest(track: Float32Array, start: int, stop: int) -> tuple[int, float]:
    """Whether a stretch without a digit is silence or something else, and how likely.

    Returns:
        `SILENCE` or `OTHER`, and its mean probability; what the net gives to digits counts as `OTHER`.
    """
    silence = float(np.clip(track[start:stop, SILENCE].mean(), 0.0, 1.0))
    return (SILENCE, silence) if silence >= 0.5 else (OTHER, 1.0 - silence)
