"""When prepared frames are a batch: a batch of large ones takes memory and saves no time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# On a CPU one frame keeps every core busy; a batch saves calls, which counts for small inputs, and reading
# weights that no cache holds, which counts for large ones. Elsewhere it saves nothing and takes memory:
# 43 MiB for the bundled detector.
CPU_BYTES, CACHED_WEIGHTS = 128 << 10, 64 << 20


def batch_bytes(devices: Sequence[str], weights: Path | None) -> int | None:
    """Bytes of prepared frames with which a batch is full even if they are few; `None` for no such bound.

    Args:
        devices: what the model's sessions run on; empty where it has none.
        weights: its file.
    """
    if set(devices) != {"cpu"}:
        return None
    return CPU_BYTES if weights is None or weights.stat().st_size <= CACHED_WEIGHTS else None


def is_batch(frames: int, nbytes: int, most: int, bound: int | None) -> bool:
    """Whether so many frames, prepared to so many bytes together, are a batch.

    Args:
        most: frames in a batch. bound: see `batch_bytes`.
    """
    return frames >= most or (bound is not None and nbytes >= bound)
