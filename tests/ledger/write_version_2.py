"""Writes `ledger-v2.sqlite`: a ledger of schema version 2, and what it shows.

With the Git revision 1f4ccc7 of mediaml, the last whose ledger is of version 2:

    python -m tests.ledger.write_version_2 tests/ledger
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import numpy as np

from mediaml.core.media import Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Embedding, Label, Prediction
from mediaml.core.view import View
from mediaml.core.work import Failure, FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from tests.support.frames_shown import frames_shown

YOLO = ModelIdentity("yolo", "detect", "yolo", "mediaml", "1", "yolo.onnx", "0" * 64, '{"conf":0.05}')
CLIP = ModelIdentity("clip", "embed", "clip", "mediaml", "1", "clip.onnx", "1" * 64, "{}")
CLIP_INFO = MediaInfo("clip.mp4", Kind.VIDEO, width=320, height=240, duration_s=6.0)


def found(index: int) -> Prediction:
    """Two cars that drive past each other, the second with a number of the model's own."""
    left = Box(10 + 5 * index, 100, 60 + 5 * index, 140)
    right = Box(260 - 5 * index, 120, 300 - 5 * index, 150)
    return Prediction(
        detections=(Detection(Label("car", 0.9), left), Detection(Label("truck", 0.4), right, track=7))
    )


def given(name: str) -> Source:
    return Source(Path("/media") / name, name, name, 10, 1, named=True)


def fill(folder: Path) -> None:
    """A clip of three slices, an image, and a file that failed."""
    with Ledger(folder) as ledger:
        run = ledger.begin_run({"mediaml": "0.2.0"})
        yolo = ledger.add_model(YOLO, View(0.25), ("person", "car", "truck"))
        clip = ledger.add_model(CLIP)
        movie = ledger.add_source(given("clip.mp4"), Kind.VIDEO)
        for number in range(3):
            frames = range(number * 10, number * 10 + 10)
            answers = tuple(FrameAnswer(index, index / 5, 0.2, found(index)) for index in frames)
            result = TaskResult(Task(movie, yolo, number), answers, last=number == 2, info=CLIP_INFO)
            ledger.commit([record_of(result)])
        image = ledger.add_source(given("image.jpg"), Kind.IMAGE)
        vector = Prediction(embedding=Embedding(np.array([0.5, 0.25], np.float32)))
        ledger.commit([record_of(TaskResult(Task(image, clip, 0), (FrameAnswer(0, 0.0, 0.0, vector),)))])
        broken = ledger.add_source(given("broken.jpg"), Kind.IMAGE)
        failure = Failure("decode", "MediaError", "cut off")
        ledger.commit([record_of(TaskResult(Task(broken, yolo, 0), failure=failure))])
        ledger.end_run(run)


def write(folder: Path) -> None:
    """Write the ledger and the JSON beside it."""
    with tempfile.TemporaryDirectory() as made:
        fill(Path(made))
        with sqlite3.connect(Path(made) / "ledger.sqlite") as db:
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("UPDATE run SET started_at = '2026-01-01T00:00:00+00:00', finished_at = started_at")
            db.execute("UPDATE meta SET value = '[31, 1.0]' WHERE key = 'run 1'")
        (folder / "ledger-v2.json").write_text(json.dumps(frames_shown(Path(made))), "utf-8")
        db = sqlite3.connect(Path(made) / "ledger.sqlite")
        db.execute("VACUUM")
        db.close()
        shutil.copyfile(Path(made) / "ledger.sqlite", folder / "ledger-v2.sqlite")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
