"""A video and what models said of it, as one MP4: the source plus boxes.

Pictures come from the reader, so that indices and times are those of the answers; they are drawn slice by
slice into segments, which are then joined. Sound and subtitles come from a second demuxer over the same file,
side by side with the pictures, so memory does not grow with length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from mediaml.core.arrays import UInt8Array
from mediaml.media.limits import Limits
from mediaml.media.write.join import WriteAccounts, join_segments
from mediaml.media.write.segment_drawer import SegmentDrawer
from mediaml.media.write.segment_file import SegmentFile
from mediaml.media.write.whole_file import writing
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
    """Write the first video of a file, as displayed and with boxes drawn, with all sound and subtitles.

    H.264 yuv420p in limited range and the source's colour matrix, in MP4 with its index first; times are
    the source's (those of transport streams start at 0), also where they vary. Rotation and oblong pixels
    are baked in; an odd size gets one more column or row at the right or bottom.

    Args:
        source: a video.
        target: the MP4 to write; it appears when it is whole. Folders are made.
        answers: what to draw on the frame of an index, as `VideoReader` counts; called once a frame, in
            order. Boxes are in displayed pixels of that frame.
        pictures: what to show in place of the frame of an index (uint8 RGB [H, W, 3], stretched to the
            video's size), `None` for the frame itself.
        limits: what the source may ask of the machine.
        slice_s: seconds of the source's time in a segment.

    Raises:
        MediaError: the source holds no video that can be read, or the target cannot be written.
    """
    shown = None if pictures is None else lambda frame: pictures(frame.index)
    with ExitStack() as stack:
        drawer = stack.enter_context(SegmentDrawer(source, limits, slice_s=slice_s, pictures=shown))
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(stack.enter_context(TemporaryDirectory(prefix=".segments-", dir=target.parent)))
        files: list[SegmentFile] = []
        number: int | None = 0
        while number is not None:
            files.append(SegmentFile(folder, number))
            segment = drawer.draw(
                files[-1], lambda frame: answers(frame.index), fingerprint=lambda frames: ""
            )
            number = segment.following
        return join_segments(source, target, drawer.slices.layout, files, limits=limits)
