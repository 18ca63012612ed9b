"""Clips in which a flash and a click fall together, and when they are seen and heard."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import numpy as np

RATE = 48_000
FIRST_S = 0.48
"""The flashes and clicks come at this time and every second after it."""


def write_flashes(path: Path, video: str, audio: str, *, seconds: float = 3.0, late_s: float = 0.0) -> Path:
    """A clip of 25 frames per second, 160x120; its audio starts `late_s` after its images."""
    lit = f"lt(mod(T-{FIRST_S}\\,1)\\,0.04)*gte(T\\,{FIRST_S})"
    at = f"(t+{late_s})"
    loud = f"lt(mod({at}-{FIRST_S}\\,1)\\,0.01)*gte({at}\\,{FIRST_S})"
    images = f"color=black:s=160x120:r=25:d={seconds},geq=lum='if({lit}\\,235\\,16)':cb=128:cr=128"
    sound = f"aevalsrc='if({loud}\\,sin(2*PI*1000*t)\\,0)':s={RATE}:d={seconds - late_s}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", images]
    command += ["-itsoffset", str(late_s), "-f", "lavfi", "-i", sound]
    command += ["-c:v", video, "-c:a", audio, "-b:a", "128k", str(path)]
    subprocess.run(command, check=True)
    return path


def join(target: Path, *parts: Path) -> Path:
    """Concatenate files byte by byte, as `cat` does."""
    target.write_bytes(b"".join(part.read_bytes() for part in parts))
    return target


def seen(path: Path) -> list[float]:
    """The times of the flashes, seconds of the container's clock."""
    with av.open(str(path)) as container:
        start_s = (container.start_time or 0) / av.time_base
        return [
            frame.time - start_s
            for frame in container.decode(video=0)
            if frame.to_ndarray(format="gray8")[20:100, 20:140].mean() > 150
        ]


def heard(path: Path) -> list[float]:
    """The times of the clicks, seconds of the container's clock, by the ffmpeg program; holes are silence."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vn", "-af", "aresample=async=1:first_pts=0"]
    command += ["-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    loud = np.flatnonzero(np.abs(np.frombuffer(raw, np.float32)) > 0.3)
    firsts = loud[np.diff(loud, prepend=-RATE) > RATE // 10]
    return [float(first) / RATE for first in firsts]
