"""The setup of every worker process."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_FIRST_TO_KILL = "500"  # of -1000..1000 in proc(5): ahead of the run itself, which uses little memory
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of mallopt(3)
_LARGE_BLOCK = 512 << 10


def give_large_blocks_back() -> None:
    """Have glibc give every large block back to the system when it is freed.

    By itself it does so only until the first one is freed. From then on blocks of that size lie among small
    ones that stay: an encoder for each slice of a 1080p video leaves 40 MiB of holes in a minute.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)


def set_up_process() -> tuple[IO[bytes], IO[bytes]]:
    """Ignore interrupts, die with the parent, and be first in line for the OOM killer.

    Returns:
        The streams from and to the run. From here on, anything printed goes to the user's stderr.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_KILL, encoding="ascii")
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, ours
