"""The one import of ONNX Runtime, with its telemetry off.

From 1.29 on, ONNX Runtime's official builds for Linux and macOS report to Microsoft unless the environment
variable `ORT_DISABLE_TELEMETRY` is set before the module is imported: the import itself opens a socket and
writes a device id and a database below the user's cache folder. `disable_telemetry_events()` comes too late
for that, but is all there is on Windows and for a process that had imported ONNX Runtime before mediaml.

Source: onnxruntime pull requests 27379 (POSIX telemetry) and 29843, and `strace` of 1.31.1.
"""

from __future__ import annotations

import os
import re
from typing import Any

TELEMETRY_OFF = {"ORT_DISABLE_TELEMETRY": "1"}
"""Environment of every process that may import ONNX Runtime."""

SILENT = 4
"""ONNX Runtime's log severity "fatal": what it logs as an error it also raises, and mediaml reports that."""


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


def quiet_runtime() -> Any:
    """The module `onnxruntime`, which logs nothing."""
    onnxruntime = import_runtime()
    onnxruntime.set_default_logger_severity(SILENT)
    return onnxruntime


def import_quantizer() -> Any:
    """The module `onnxruntime.quantization`."""
    import_runtime()
    from onnxruntime import quantization

    return quantization


def one_line(error: BaseException) -> str:
    """ONNX Runtime's error as one short line, without its code prefix and the places in its source code."""
    lines = str(error).strip().splitlines()
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", " ".join(line.strip() for line in lines))
    text = re.sub(r"\S*/onnxruntime\S*:\d+ ", "", text)
    text = re.sub(r"(?:[\w:&<>*]+ )*onnxruntime::[\w:]+\([^()]*\)(?: const)? ", "", text)
    return text if len(text) <= 240 else text[:237] + "..."
