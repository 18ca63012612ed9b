"""Does memory grow with the length of a video? Peak memory on a long clip against a short one.

Renders the demo clip over and over to two lengths, runs `mediaml run -p yolo` on each and compares the peaks
of what the run, its worker and its drawing process have in memory together. Pages that they share count for
each of them.

    python -m scripts.bench.memory [-m MODEL.onnx] [--short 60] [--long 600] [--no-annotate]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from scripts.paths import DEMO_CLIP

LOOK_EVERY_S = 0.1


def repeat(source: Path, target: Path, seconds: float) -> None:
    """Copy a clip's packets again and again until the copy is that long; nothing is encoded."""
    loop = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(source), "-t", str(seconds)]
    subprocess.run([*loop, "-c", "copy", str(target)], check=True)


def peak_mb(command: list[str]) -> tuple[float, float]:
    """Peak resident memory of a process and all below it, MiB, and the seconds it took.

    Raises:
        SystemExit: the process failed.
    """
    started, peak = time.monotonic(), 0
    with psutil.Popen(command) as process:
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(LOOK_EVERY_S)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return peak / 2**20, time.monotonic() - started


def resident(process: psutil.Process) -> int:
    """Bytes of a process and all below it that are in memory now."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):  # gone meanwhile
            total += one.memory_info().rss
    return total


def main() -> None:
    """Measure and print both peaks and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-m", "--model", help="ONNX file instead of the bundled detector")
    parser.add_argument("--short", type=float, default=60.0, help="seconds")
    parser.add_argument("--long", type=float, default=600.0, help="seconds")
    parser.add_argument("--no-annotate", action="store_true")
    arguments = parser.parse_args()
    extra = ["-m", arguments.model] if arguments.model else []
    extra += ["--no-annotate"] if arguments.no_annotate else []
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in (arguments.short, arguments.long):
            clip = Path(folder) / f"{seconds:g}s.mp4"
            repeat(DEMO_CLIP, clip, seconds)
            command = [sys.executable, "-m", "mediaml", "run", "-p", "yolo", str(clip), *extra]
            command += ["-o", f"{folder}/out", "--device", "cpu"]
            peak, took = peak_mb(command)
            peaks.append(peak)
            print(f"{seconds:g} s of video: peak {peak:.0f} MiB, {took:.1f} s")
    print(f"ratio long / short: {peaks[1] / peaks[0]:.3f}")


if __name__ == "__main__":
    main()
