"""Annotated copies of videos as the product writes them: slice by slice into segments, then joined."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from mediaml.core.arrays import UInt8Array
from mediaml.media.limits import Limits
from mediaml.media.write.join import WriteAccounts, join_segments
from mediaml.media.write.segment_drawer import SegmentDrawer
from mediaml.media.write.segment_file import SegmentFile
from mediaml.ops.drawing import Overlay


def write_annotated_video(
    source: Path,
    target: Path,
    answers: Callable[[int], Overlay],
    *,
    pictures: Callable[[int], UInt8Array | None] | None = None,
    limits: Limits = Limits(),  # noqa: B008
    slice_s: float = math.inf,
) -> WriteAccounts:
    """Draw every slice of a video and join them, without a ledger; the segments are removed again.

    Args:
        source, target, limits, slice_s: see `SegmentDrawer` and `join_segments`.
        answers: what to draw on the frame of an index; called once per frame, in order.
        pictures: what to show in place of the frame of an index, `None` for the frame itself.
    """
    shown = None if pictures is None else lambda frame: pictures(frame.index)
    with (
        SegmentDrawer(source, limits, slice_s=slice_s, pictures=shown) as drawer,
        TemporaryDirectory() as folder,
    ):
        files: list[SegmentFile] = []
        number: int | None = 0
        while number is not None:
            files.append(SegmentFile(Path(folder), number))
            segment = drawer.draw(
                files[-1], lambda frame: answers(frame.index), fingerprint=lambda frames: ""
            )
            number = segment.following
        return join_segments(source, target, drawer.slices.layout, files, limits=limits)
