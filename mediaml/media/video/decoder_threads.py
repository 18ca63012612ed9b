"""How many threads decode a video: as many as the cores, as long as the frames in them fit in memory."""

from __future__ import annotations

import math
import os
from typing import Any

from mediaml.media.decode import MOST_THREADS
from mediaml.media.limits import Limits

LEAST_THREADS = 2
# Bytes per pixel of 8 bits of every frame that is under way beside the first. FFmpeg's frame threads hold two
# frames of 1.5 bytes each. dav1d was measured at 3840x2160: 8.7, and 16 for samples of 10 bits.
THREAD_BYTES, DAV1D_BYTES = 3, 9
# Decoders whose frame threads race where a stream is damaged (FFmpeg 8.1): of one file they give other
# pixels, and other flags, from run to run.
RACY = frozenset({"mpeg4"})


def frame_threads(pixels: int, memory: int, cores: int) -> int:
    """Decoder threads for frames of so many pixels; 0 takes one for each core.

    Args:
        memory: bytes that the frames in all threads may take.
    """
    most = max(LEAST_THREADS, memory // max(1, THREAD_BYTES * pixels))
    return 0 if most >= MOST_THREADS else min(most, cores)


def dav1d_frames(pixels: int, bits: int, memory: int, threads: int) -> int:
    """Frames that dav1d may have under way at once; all of its threads work on them.

    Args:
        bits: of one sample.
        memory: bytes that the frames may take; one is always allowed.
        threads: of the decoder; dav1d's own choice is the square root of their number.
    """
    each = max(1, DAV1D_BYTES * pixels * (2 if bits > 8 else 1))
    return max(1, min(memory // each, math.ceil(math.sqrt(threads))))


def configure_threads(context: Any, limits: Limits, fixed: int = 0) -> dict[str, str]:
    """Set the threads of a decoder that is not open yet; returns the options that go with them.

    Args:
        context: PyAV's `VideoCodecContext`.
        limits: `decoder_bytes` bounds the frames in the threads.
        fixed: number of threads; 0 decides by size.
    """
    cores, pixels = os.cpu_count() or 1, context.width * context.height
    threads = 1 if context.name in RACY else frame_threads(pixels, limits.decoder_bytes, cores)
    context.thread_count = fixed or threads
    if context.name != "libdav1d":
        return {}
    bits = context.format.components[0].bits if context.format else 8
    frames = dav1d_frames(pixels, bits, limits.decoder_bytes, context.thread_count or cores)
    return {"max_frame_delay": str(frames)}
