"""How much is done at once."""

from __future__ import annotations

import os


def default_readers(workers: int = 1) -> int:
    """Reader threads of each of so many workers: decoders have threads of their own, so a few do."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
    return max(2, min(8, cores // workers))
