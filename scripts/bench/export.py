"""How fast are CSV and Parquet exports, and does their memory grow with the ledger?

Makes a ledger of random detections (no model, no media), exports it in a process of its own per format, and
prints rows per second and the peak of resident memory.

    python -m scripts.bench.export [--rows 10000000] [--formats csv parquet] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from mediaml.core.media import Kind, MediaInfo
from mediaml.core.view import View
from mediaml.core.work import ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.integrity import seal_tasks
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.schema import connect
from mediaml.onnx.coco import COCO_NAMES
from scripts.bench.memory import peak_mb

PER_FRAME = 5
VIDEO_FRAMES = 100_000
MODEL = ModelIdentity("yolo", "detect", "mediaml_yolo", "mediaml", "1", "y.onnx", "0" * 64, '{"conf": 0.05}')
INSERT_FRAME = (
    "INSERT INTO prediction (source, model, frame, slice, time_s, duration_s) VALUES (?, ?, ?, 0, ?, ?)"
)
INSERT_DETECTION = (
    "INSERT INTO detection (source, model, frame, n, class, score, left, top, right, bottom) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def make_ledger(folder: Path, rows: int) -> None:
    """Fill a ledger with random detections, five per frame, in videos of an hour."""
    sources = -(-rows // (PER_FRAME * VIDEO_FRAMES))
    with Ledger(folder) as ledger:
        model = ledger.add_model(MODEL, View(min_score=0.1, max_detections=300), COCO_NAMES)
        names = [f"clips/{number:07d}.mp4" for number in range(sources)]
        ids = [
            ledger.add_source(Source(Path("/media") / n, n, n, 1, 1, named=True), Kind.VIDEO) for n in names
        ]
        info = MediaInfo("", Kind.VIDEO, 1920, 1080)
        ledger.commit([record_of(TaskResult(Task(one, model, 0), info=info)) for one in ids])
    with closing(connect(folder)) as db, db:
        random = np.random.default_rng(1)
        for source in ids:
            times = ((source, model, frame, frame / 25, 0.04) for frame in range(VIDEO_FRAMES))
            db.executemany(INSERT_FRAME, times)
            db.executemany(INSERT_DETECTION, detections(random, source, model, VIDEO_FRAMES))
        db.execute("UPDATE task SET frames = ?", (VIDEO_FRAMES,))
        seal_tasks(db)


def detections(
    random: np.random.Generator, source: int, model: int, frames: int
) -> Iterator[tuple[int, ...]]:
    """Random rows of the table `detection` for one source."""
    size = frames * PER_FRAME
    frame, place = np.repeat(np.arange(frames), PER_FRAME), np.tile(np.arange(PER_FRAME), frames)
    left, top = random.integers(0, 150_000, size), random.integers(0, 80_000, size)
    columns = [
        np.full(size, source),
        np.full(size, model),
        frame,
        place,
        random.integers(0, 80, size),
        random.integers(10_000, 100_001, size),
        left,
        top,
        left + random.integers(100, 40_000, size),
        top + random.integers(100, 28_000, size),
    ]
    return zip(*(column.tolist() for column in columns), strict=True)


def main() -> None:
    """Make a ledger, export it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--formats", nargs="+", default=["csv", "parquet"])
    parser.add_argument("--keep", type=Path, help="make the ledger here, or use the one that is here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary) / "out"
        if not (folder / "ledger.sqlite").exists():
            make_ledger(folder, arguments.rows)
        print(f"ledger: {arguments.rows} rows, {(folder / 'ledger.sqlite').stat().st_size / 1e6:.0f} MB")
        for name in arguments.formats:
            target = Path(temporary) / f"export.{name}"
            command = [sys.executable, "-m", "mediaml", "export", str(folder), "-f", name, "-o", str(target)]
            before = processor_s()
            peak, seconds = peak_mb(command)
            used = processor_s() - before
            size = target.stat().st_size / 1e6
            target.unlink()
            print(
                f"{name}: {seconds:.1f} s, {arguments.rows / seconds:.0f} rows/s; of processor time "
                f"{used:.1f} s, {arguments.rows / used:.0f} rows/s; {size:.0f} MB, peak {peak:.0f} MiB",
                flush=True,
            )


def processor_s() -> float:
    """Processor time of the processes that have ended, seconds: what others do meanwhile hardly counts."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
