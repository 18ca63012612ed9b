"""Count the cars in each second of a video, and plot them: the library from end to end.

    python scripts/cars_per_second.py VIDEO [PLOT.png]

Needs matplotlib (`pip install matplotlib`).
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

import mediaml


def cars_per_second(out: Path, label: str = "car") -> dict[int, int]:
    """By second of the video, the most cars in one of its frames."""
    most: defaultdict[int, int] = defaultdict(int)
    with mediaml.open_results(out) as results:
        for frame in results.frames(model="yolo"):
            cars = sum(found.label.name == label for found in frame.prediction.detections)
            second = int(frame.time_s)
            most[second] = max(most[second], cars)
    return dict(most)


def plot(counts: dict[int, int], target: Path) -> None:
    """Draw the counts as bars over the seconds of the video."""
    mpl.use("agg")
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    axes.bar(list(counts), list(counts.values()), width=1.0, align="edge")
    axes.set(xlabel="time (s)", ylabel="cars in view")
    figure.savefig(target, dpi=150)
    plt.close(figure)


def main() -> None:
    """Run the detector, count, plot."""
    video = Path(sys.argv[1])
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("cars.png")
    out = target.with_suffix("")
    report = mediaml.run(video, models="yolo", out=out, annotate=False)
    if report.failures:
        sys.exit(report.failures[0].failure.message)
    counts = cars_per_second(out)
    plot(counts, target)
    print(f"{max(counts.values(), default=0)} cars at most; plot: {target}")


if __name__ == "__main__":
    main()
