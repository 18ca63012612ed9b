"""Time slices: the unit in which a long file is inferred, committed, rendered and resumed."""

from __future__ import annotations

SLICE_S = 20.0
"""Length of a time slice, seconds of the source's time: a kill loses at most this much of a long file."""


def slice_of(time_s: float, slice_s: float = SLICE_S) -> int:
    """Number of the time slice that a time belongs to; times before the start belong to the first."""
    return max(0, int(time_s // slice_s))
