"""Starts worker processes. It imports nothing slow, so that they start first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mediaml.onnx.runtime import TELEMETRY_OFF

WORKER = "mediaml.engine.local"
"""The module that a process of the local engine runs."""


def start(module: str) -> subprocess.Popen[bytes]:
    """A new process that runs a module's `__main__`.

    It finds modules where this one does, and never in the folder that it happens to be started in. Signals
    are blocked until it ignores them: Ctrl-C goes to the whole group, but is this process's to answer.
    """
    paths = [path or os.getcwd() for path in sys.path]  # noqa: PTH109  as Python itself reads ''
    environment = {**os.environ, **TELEMETRY_OFF, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-P", "-m", module]
    blocked = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked) if hasattr(signal, "pthread_sigmask") else None
    try:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0x10000
        )
    finally:
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def started(module: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is killed at the end of the `with` block."""
    process = start(module)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
