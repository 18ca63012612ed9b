"""The `ffmpeg` program: it renders what PyAV does not write, and judges from outside."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mediaml.core.arrays import Float32Array


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run it and return what it writes to stdout; a skip where it is not installed, a failure under CI."""
    program = shutil.which("ffmpeg")
    if program is None:
        reason = "ffmpeg is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    command = [program, "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def mixed_by_ffmpeg(path: Path) -> Float32Array:
    """The first audio track as `ffmpeg -ac 1` mixes it, float32 [samples] in -1..1."""
    samples = ffmpeg("-i", path, "-map", "a:0", "-ac", "1", "-f", "s16le", "-")
    return (np.frombuffer(samples, "<i2") / 32768).astype(np.float32)


def chord(channels: int, seconds: float, rate: int = 48_000) -> list[str]:
    """Input arguments for a different tone in each of so many channels; their positions are unspecified."""
    tones = "|".join(f"0.3*sin({200 + 50 * channel}*2*PI*t)" for channel in range(channels))
    return ["-f", "lavfi", "-i", f"aevalsrc={tones}:s={rate}:d={seconds}"]
