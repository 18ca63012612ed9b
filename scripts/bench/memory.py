"""Does memory grow with the length of a video? Peak memory on a long clip against a short one.

Repeats the demo clip, another one, or one of noise in every frame to two lengths, runs `mediaml run -p yolo`
on each and compares the peaks of what the run, its worker and its drawing process have in memory together.
Pages that they share count for each of them.

    python -m scripts.bench.memory [-m MODEL.onnx] [--short 60] [--long 600] [--no-annotate]
    python -m scripts.bench.memory --noise 1920x1080 --short 4 --long 60
    python -m scripts.bench.memory --noise 3840x2160 --codec libsvtav1 --short 2 --long 8
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


def render_noise(target: Path, size: str, codec: str, seconds: float = 2.0) -> None:
    """Write a clip whose every frame has noise of its own: nothing in it can be predicted."""
    picture = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=24:d={seconds}", "-vf", "noise=alls=30:allf=t"]
    preset = {"libx264": "ultrafast", "libsvtav1": "11"}.get(codec)
    how = ["-c:v", codec, "-pix_fmt", "yuv420p", *(["-preset", preset] if preset else [])]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *picture, *how, str(target)], check=True)


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
    parser.add_argument("--source", type=Path, default=DEMO_CLIP, help="clip to repeat, an MP4")
    parser.add_argument("--noise", metavar="WxH", help="repeat a clip of noise of that size instead")
    parser.add_argument("--codec", default="libx264", help="FFmpeg's encoder for --noise")
    parser.add_argument("--memory", help="as of `mediaml run`")
    arguments = parser.parse_args()
    extra = ["-m", arguments.model] if arguments.model else []
    extra += ["--no-annotate"] if arguments.no_annotate else []
    extra += ["--memory", arguments.memory] if arguments.memory else []
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        source = arguments.source
        if arguments.noise:
            source = Path(folder) / "noise.mp4"
            render_noise(source, arguments.noise, arguments.codec)
        for seconds in (arguments.short, arguments.long):
            clip = Path(folder) / f"{seconds:g}s.mp4"
            repeat(source, clip, seconds)
            command = [sys.executable, "-m", "mediaml", "run", "-p", "yolo", str(clip), *extra]
            command += ["-o", f"{folder}/out", "--device", "cpu"]
            peak, took = peak_mb(command)
            peaks.append(peak)
            print(f"{seconds:g} s of video: peak {peak:.0f} MiB, {took:.1f} s")
    print(f"ratio long / short: {peaks[1] / peaks[0]:.3f}")


if __name__ == "__main__":
    main()
