"""The one import of ONNX Runtime, with its telemetry off.

From 1.29 on, ONNX Runtime's official builds for Linux and macOS report to Microsoft unless the environment
variable `ORT_DISABLE_TELEMETRY` is set before the module is imported: the import itself opens a socket and
writes a device id and a database below the user's cache folder. `disable_telemetry_events()` comes too late
for that, but is all there is on Windows and for a process that had imported ONNX Runtime before mediaml.

Source: onnxruntime pull requests 27379 (POSIX telemetry) and 29843, and `strace` of 1.31.1.
"""

from __future__ import annotations

import os
from typing import Any

TELEMETRY_OFF = {"ORT_DISABLE_TELEMETRY": "1"}
"""Environment of every process that may import ONNX Runtime."""


def disable_telemetry() -> None:
    """Set the environment of this process, ahead of any import of ONNX Runtime by mediaml or a plugin."""
    os.environ.update(TELEMETRY_OFF)


def import_runtime() -> Any:
    """The module `onnxruntime`, its telemetry off.

    Raises:
        ImportError: ONNX Runtime is not installed, or does not load.
    """
    disable_telemetry()
    import onnxruntime

    switch = getattr(onnxruntime, "disable_telemetry_events", None)
    if switch is not None:
        switch()
    return onnxruntime
