"""An output folder with results of every kind, committed without a model: an image, a video, audio."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from mediaml.core.media import Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Keypoint, Label, Polygon, Prediction
from mediaml.core.view import View
from mediaml.core.work import FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger

YOLO = ModelIdentity("yolo", "detect", "mediaml_yolo", "mediaml", "1", "y.onnx", "0" * 64, '{"conf":0.05}')
SPOKEN = ModelIdentity("spoken", "classify", "mediaml_spoken", "mediaml", "1", "s.onnx", "1" * 64, "{}")
CLASSES = ("person", "traffic light", 'a "b", c', "=1+1")
WIDTH, HEIGHT = 200, 100


def found(
    name: str,
    score: float,
    box: tuple[float, float, float, float],
    track: int | None = None,
    outline: tuple[Polygon, ...] = (),
    keypoints: tuple[Keypoint, ...] = (),
) -> Detection:
    """A detection."""
    return Detection(Label(name, score), Box(*box), track, outline, keypoints)


IMAGE = (
    found("person", 0.9, (10, 20, 60, 80)),
    found("traffic light", 0.6, (150.25, 0, 200, 33.5)),
    found('a "b", c', 0.3, (0, 0, 5, 5)),
    found("=1+1", 0.2, (1, 1, 2, 2)),
)


def video_frame(index: int) -> tuple[Detection, ...]:
    """One person walks to the right over frames 0 to 9 as track 1; a light is seen in frames 4 to 6."""
    person = (found("person", 0.9, (index * 5, 20, index * 5 + 30, 80), 1),) if index < 10 else ()
    light = (found("traffic light", 0.7, (100, 0, 120, 30)),) if 4 <= index <= 6 else ()
    return person + light


class ExportFolder:
    """The output folder, and what it takes to add to it."""

    def __init__(self, folder: Path, view: View | None = None) -> None:
        self.folder = folder
        self.ledger = Ledger(folder)
        self.run = self.ledger.begin_run({})
        self.yolo = self.ledger.add_model(YOLO, view or View(min_score=0.25, max_detections=300), CLASSES)

    def add(
        self,
        name: str,
        kind: Kind,
        frames: list[Prediction],
        step_s: float = 0.0,
        model: int | None = None,
        path: Path | None = None,
    ) -> int:
        """Commit a source with one answer per frame, `step_s` apart; returns its id."""
        source = Source(path or Path("/media") / name, name, name, 1, 1, named=True)
        number = self.ledger.add_source(source, kind)
        width, height = (None, None) if kind is Kind.AUDIO else (WIDTH, HEIGHT)
        rate = Fraction(1) / Fraction(step_s).limit_denominator(1000) if step_s else None
        info = MediaInfo(
            name,
            kind,
            width=width,
            height=height,
            frame_rate=rate,
            duration_s=len(frames) * step_s if step_s else None,
            sample_rate=16_000 if kind is Kind.AUDIO else None,
        )
        answers = tuple(FrameAnswer(index, index * step_s, step_s, one) for index, one in enumerate(frames))
        task = Task(number, self.yolo if model is None else model, 0)
        self.ledger.commit([record_of(TaskResult(task, answers, info=info))])
        return number

    def add_all(self) -> ExportFolder:
        """One of each kind; returns itself."""
        self.add("in/photo.jpg", Kind.IMAGE, [Prediction(detections=IMAGE)])
        frames = [Prediction(detections=video_frame(index)) for index in range(15)]
        self.add("in/walk.mp4", Kind.VIDEO, frames, 0.1)
        spoken = self.ledger.add_model(SPOKEN, View(min_score=0.5), ("yes", "no"))
        scores = [0.9, 0.8, 0.4, 0.7, 0.1, 0.1, 0.1, 0.6]
        said = [Prediction((Label("yes", score), Label("no", 1 - score))) for score in scores]
        self.add("talk.wav", Kind.AUDIO, said, 1.0, spoken)
        self.ledger.end_run(self.run)
        return self
