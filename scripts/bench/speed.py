"""How near to its limit is the pipeline? One clip through decode alone, inference alone, and all of it.

The limit is the slower of decode-only and inference-only; both are measured in the same minute on the same
machine as the whole, several times in turn, and compared as ratios of medians.

    python -m scripts.bench.speed VIDEO [-m MODEL.onnx] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.app.choose import choose_models
from mediaml.core.media import Kind
from mediaml.media.reader import open_reader
from mediaml.onnx.providers import parse_device
from mediaml.pipeline.models import load_model, resolve_model
from mediaml.registry.entry_points import load_registry


def load(weights: str | None, device: str) -> Any:
    """The yolo plugin's model, as the command line loads it."""
    given = (weights,) if weights else ()
    choice = choose_models([load_registry().find("yolo")], given, ())[0]
    return load_model(resolve_model(choice), parse_device(device), warn=print)


def decode_only(video: Path, model: Any) -> int:
    """Decode and prepare every frame, infer nothing; returns the number of frames."""
    with open_reader(video, Kind.VIDEO) as reader:
        return sum(1 for frame in reader.frames() if model.prepare(frame) is not None)


def inference_only(sample: Any, model: Any, frames: int, batch: int) -> int:
    """Infer and decode answers of one prepared sample again and again."""
    array, frame = sample
    stacked = np.stack([array] * batch)
    for _ in range(0, frames, batch):
        model.decode(model.run(stacked), [frame] * batch)
    return frames


def whole(video: Path, weights: str | None, device: str) -> None:
    """The command as a user types it, in a process of its own, without annotated copies."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mediaml", "run", "-p", "yolo", str(video), "-o", folder, "-q"]
        command += ["--no-annotate", "--device", device, *(["-m", weights] if weights else [])]
        subprocess.run(command, check=True)


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure in turn and print medians and the ratio to the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("video", type=Path)
    parser.add_argument("-m", "--model", help="ONNX file instead of the bundled detector")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    loaded = load(arguments.model, arguments.device)
    with open_reader(arguments.video, Kind.VIDEO) as reader:
        frame = next(reader.frames())
        sample = (loaded.model.prepare(frame), frame)
    frames = decode_only(arguments.video, loaded.model)
    works: dict[str, Callable[[], object]] = {
        "decode and prepare only": lambda: decode_only(arguments.video, loaded.model),
        "inference only": lambda: inference_only(sample, loaded.model, frames, loaded.batch),
        "whole command, with start": lambda: whole(arguments.video, arguments.model, arguments.device),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(arguments.rounds):
        for name, work in works.items():
            taken[name].append(seconds(work))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, median in medians.items():
        print(f"{name:<28}{median:8.2f} s  {frames / median:8.1f} frames/s")
    decode, infer, total = medians.values()
    print(f"whole / limit (slower of the two): {total / max(decode, infer):.2f}")


if __name__ == "__main__":
    main()
