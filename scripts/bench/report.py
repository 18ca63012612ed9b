"""Time a report of many images: python -m scripts.bench.report FOLDER [--images N]

Fills FOLDER with N small JPEG images and a ledger with 15 detections for each, writes the report twice
(without and with thumbnails that are there), and opens it in Chromium: time until it can be used, memory of
its JavaScript, and how long a move of the threshold takes. Needs the extra `test` and Chromium.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

from mediaml.core.media import Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.view import View
from mediaml.core.work import FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import open_results
from mediaml.ops.palette import COCO_COLORS
from mediaml.outputs.report.report import write_report

WIDTH, HEIGHT, DETECTIONS, DIFFERENT = 640, 480, 15, 50
MODEL = ModelIdentity("yolo", "detect", "bench", "", "", "bench.onnx", "0" * 64, "{}")
MOVE = """() => {
  const slider = document.getElementById("threshold"), begun = performance.now();
  slider.value = 0.3 + 0.4 * Math.random();
  slider.dispatchEvent(new Event("input"));
  const painted = done => requestAnimationFrame(() => requestAnimationFrame(done));
  return new Promise(done => painted(() => done(performance.now() - begun)));
}"""


def fill(folder: Path, images: int) -> None:
    """Make the images, of which only some differ, and the ledger."""
    random = np.random.default_rng(0)
    names = list(COCO_COLORS)
    (folder / "images").mkdir(parents=True)
    pictures = [_picture(random) for _ in range(min(DIFFERENT, images))]
    with Ledger(folder / "out") as ledger:
        model = ledger.add_model(MODEL, View(min_score=0.25), names)
        for number in range(images):
            path = folder / "images" / f"{number:06d}.jpg"
            path.write_bytes(pictures[number % len(pictures)])
            status = path.stat()
            given = Source(path, path.name, path.name, status.st_size, status.st_mtime_ns, named=True)
            info = MediaInfo(str(path), Kind.IMAGE, WIDTH, HEIGHT, container="jpeg", codec="jpeg")
            task = Task(ledger.add_source(given, Kind.IMAGE), model, 0)
            said = FrameAnswer(0, 0.0, 0.0, Prediction(detections=_detections(random, names)))
            ledger.commit([record_of(TaskResult(task, (said,), info=info))])


def _picture(random: np.random.Generator) -> bytes:
    coarse = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", cv2.resize(coarse, (WIDTH, HEIGHT)))[1].tobytes()


def _detections(random: np.random.Generator, names: list[str]) -> tuple[Detection, ...]:
    scores = np.sort(random.beta(0.8, 2.0, DETECTIONS) * 0.94 + 0.05)[::-1]
    places = random.uniform(0, 0.8, (DETECTIONS, 2)) * (WIDTH, HEIGHT)
    return tuple(
        Detection(Label(names[int(random.integers(len(names)))], float(score)), Box(x, y, x + 90, y + 70))
        for score, (x, y) in zip(scores, places, strict=True)
    )


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def write(folder: Path) -> Path:
    """Write the report twice, and print how long that takes."""
    target = folder / "out" / "report.html"
    beside = target.with_name("report_files")
    shutil.rmtree(beside, ignore_errors=True)
    for what in ("with all thumbnails", "with thumbnails that are there"):
        begun = time.perf_counter()
        with open_results(folder / "out") as results:
            write_report(results, target)
        print(f"written {what}: {time.perf_counter() - begun:.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"memory: {peak:.0f} MiB, of the largest process that makes thumbnails {children:.0f} MiB")
    print(f"page: {target.stat().st_size / 1e6:.1f} MB, thumbnails: {size_of(beside) / 1e6:.1f} MB")
    return target


def show(target: Path) -> None:
    """Open the page and print what a reader waits for."""
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for turn in range(3):
            page = opened.new_page(viewport={"width": 1400, "height": 900})
            page.goto(target.absolute().as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            ready_ms = page.evaluate("performance.now()")
            moves = sorted(page.evaluate(MOVE) for _ in range(9))
            print(
                f"opened {turn}: usable after {ready_ms / 1000:.2f} s, threshold moved in {moves[4]:.0f} ms, "
                f"JavaScript's memory {_heap(page) / 1e6:.0f} MB, {page.locator('.card').count()} cards"
            )
            page.close()
        opened.close()


def _heap(page: Page) -> float:
    """Bytes that the page's JavaScript uses after a collection, typed arrays included."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")
    return float(used["usedSize"] + used.get("backingStorageSize", 0))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    arguments = parser.parse_args()
    if not (arguments.folder / "out").exists():
        fill(arguments.folder, arguments.images)
    show(write(arguments.folder))


if __name__ == "__main__":
    main()
