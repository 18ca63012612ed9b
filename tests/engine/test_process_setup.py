"""Memory that a process frees goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Blocks of 4 MiB among small ones that stay, as an encoder leaves them; the first one freed is what makes
# glibc keep those that follow.
FREED = """
import ctypes, sys
{setup}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def block(size):
    place = libc.malloc(size)
    ctypes.memset(place, 1, size)
    return place

libc.free(block(8 << 20))
large = []
for _ in range(16):
    large.append(block(4 << 20))
    block(4096)
for place in large:
    libc.free(place)
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon:")))
"""


def left_kib(setup: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FREED.format(setup=setup)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps freed blocks like this")
def test_large_blocks_are_given_back_when_they_are_freed() -> None:
    name = "give_large_blocks_back"
    with_it = left_kib(f"from mediaml.engine.local.process_setup import {name}; {name}()")
    without = left_kib(f"from mediaml.engine.local.process_setup import {name}")
    assert without - with_it > 40 << 10
