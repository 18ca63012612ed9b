"""How fast are many small images, beside the loop of any tutorial? Wall time and CPU seconds of both.

The pictures are a test set in the IDX format of MNIST, written as PNG files. The loop reads each with OpenCV
and runs the bundled `digits` graph on it as it is; the command normalises any picture, keeps a ledger and
writes its results. Both in processes of their own, in turn; compared by medians.

    python -m scripts.bench.small_files IMAGES.idx3-ubyte.gz [--rounds 3]
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mediaml.store.bundled import bundled_model

LOOP = """
import sys, cv2, onnxruntime
from pathlib import Path
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
for path in sorted(Path(sys.argv[2]).iterdir()):
    session.run(None, {name: cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[None, None]})[0].argmax()
"""


def write_pictures(archive: Path, folder: Path) -> int:
    """Write the images of an IDX file, MNIST's format, as PNG files; returns their number."""
    with gzip.open(archive) as file:
        _, count, height, width = np.frombuffer(file.read(16), ">i4").tolist()
        images = np.frombuffer(file.read(), np.uint8).reshape(count, height, width)
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number:06}.png"), image)
    return int(count)


def measured(command: Sequence[str]) -> tuple[float, float]:
    """Seconds that a command takes, and CPU seconds of all of its processes."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, used


def main() -> None:
    """Measure in turn and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        count = write_pictures(arguments.archive, pictures)
        taken: dict[str, list[tuple[float, float]]] = {"the loop": [], "mediaml": []}
        for turn in range(arguments.rounds):
            loop = [sys.executable, "-c", LOOP, str(bundled_model("digits")), str(pictures)]
            run = [sys.executable, "-m", "mediaml", "run", "-p", "digits", str(pictures)]
            run += ["-o", str(Path(folder) / f"out{turn}"), "-q", "--device", "cpu"]
            taken["the loop"].append(measured(loop))
            taken["mediaml"].append(measured(run))
    medians = {
        name: [statistics.median(values) for values in zip(*pairs, strict=True)]
        for name, pairs in taken.items()
    }
    for name, (wall, cpu) in medians.items():
        print(f"{name:<10}{wall:8.2f} s  {cpu:8.2f} CPU s  {count / wall:8.0f} images/s")
    wall, cpu = (loop / own for loop, own in zip(*medians.values(), strict=True))
    print(f"mediaml is {wall:.2f} times as fast; of CPU seconds {cpu:.2f} times")


if __name__ == "__main__":
    main()
