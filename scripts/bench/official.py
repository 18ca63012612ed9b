"""The official YOLOv3 networks at full size, with seeded random weights: import, load, time a frame, memory.

Each step runs in a process of its own, so that its peak is its own. Random weights take as long as trained
ones; that the answers are right is checked against OpenCV in tests/darknet.

    python -m scripts.bench.official CFG... [--frames 3] [--device cpu]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def peak_mib() -> float:
    """The most memory that this process ever held, MiB; Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)


def make_weights(cfg: Path, weights: Path) -> dict[str, Any]:
    """Write seeded random weights that fit the cfg."""
    from scripts.darknet_networks import random_weights

    weights.write_bytes(random_weights(cfg.read_text(), seed=1))
    return {"bytes": weights.stat().st_size}


def measure_import(cfg: Path, weights: Path) -> dict[str, Any]:
    """Import cfg and weights."""
    from mediaml.darknet.importer import import_darknet

    started = time.perf_counter()
    report = import_darknet(cfg, weights, weights.with_suffix(".onnx"))
    return {"import_s": time.perf_counter() - started, "mib": peak_mib(), "side": report.width}


def measure_run(model: Path, frames: int, device: str) -> dict[str, Any]:
    """Load the model as `mediaml run -p yolo -m` does and answer frames of 1280x720, one at a time."""
    import cv2

    from mediaml.core.media import Kind
    from mediaml.core.prediction import Prediction
    from mediaml.media.reader import open_reader
    from mediaml.onnx.providers import parse_device
    from mediaml.pipeline.models import Choice, load_model, resolve_model
    from mediaml.registry.entry_points import load_registry
    from mediaml.registry.options import build_options
    from scripts.darknet_networks import random_picture

    offer = load_registry().find("yolo")
    started = time.perf_counter()
    choice = Choice(offer, build_options(offer.spec, {}), model)
    loaded = load_model(resolve_model(choice), parse_device(device), warn=print)
    load_s = time.perf_counter() - started
    photo = model.with_suffix(".png")
    photo.write_bytes(cv2.imencode(".png", random_picture(1, 1280, 720))[1].tobytes())
    times = []
    with open_reader(photo, Kind.IMAGE) as reader:
        frame = next(iter(reader.frames()))
        for _ in range(frames + 1):
            started = time.perf_counter()
            (answer,) = loaded.model.predict([frame])
            times.append(time.perf_counter() - started)
    return {
        "load_s": load_s,
        "frame_s": statistics.median(times[1:]),
        "mib": peak_mib(),
        "devices": list(loaded.devices),
        "detections": len(Prediction.of(answer).detections),
    }


def apart(*arguments: object) -> dict[str, Any]:
    """Run one step of this script in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    """Measure every network, or one step of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("cfg", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--step", choices=("weights", "import", "run"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        cfg, weights = arguments.cfg
        steps = {
            "weights": lambda: make_weights(cfg, weights),
            "import": lambda: measure_import(cfg, weights),
            "run": lambda: measure_run(weights, arguments.frames, arguments.device),
        }
        print(json.dumps(steps[arguments.step]()))
        return
    print("| network | side | weights MB | import s | import MiB | load s | s a frame | run MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for cfg in arguments.cfg:
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder) / f"{cfg.stem}.weights"
            made = apart("--step", "weights", cfg, weights)
            read = apart("--step", "import", cfg, weights)
            options = ["--frames", arguments.frames, "--device", arguments.device]
            ran = apart("--step", "run", cfg, weights.with_suffix(".onnx"), *options)
        print(
            f"| {cfg.stem} | {read['side']} | {made['bytes'] / 1e6:.1f} | {read['import_s']:.1f} "
            f"| {read['mib']:.0f} | {ran['load_s']:.1f} | {ran['frame_s']:.2f} | {ran['mib']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
