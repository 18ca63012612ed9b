"""Frames of two passes over one source, side by side."""

from __future__ import annotations

from collections.abc import Iterator

from mediaml.core.work import FrameResult

SAME_TIME_S = 0.0005
"""Times that differ by less are of one frame: half of the coarsest common time base, 1/1000 s."""

FramePair = tuple[FrameResult | None, FrameResult | None]


def paired_frames(left: Iterator[FrameResult], right: Iterator[FrameResult]) -> Iterator[FramePair]:
    """Frames at the same time, and with `None` on one side those that only one pass has.

    Both are in order of time, where all audio tracks were read then of the track; memory is that of one
    frame of each.
    """
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        order = _order(one, other)
        yield (one if order <= 0 else None), (other if order >= 0 else None)
        one = next(left, None) if order <= 0 else one
        other = next(right, None) if order >= 0 else other


def _order(one: FrameResult | None, other: FrameResult | None) -> int:
    """-1 where the left frame comes first, 1 where the right one does, 0 for the same frame."""
    if one is None or other is None:
        return 1 if one is None else -1
    if abs(one.time_s - other.time_s) < SAME_TIME_S:
        ours, theirs = one.audio_track or 0, other.audio_track or 0
        return (ours > theirs) - (ours < theirs)
    return -1 if one.time_s < other.time_s else 1
