"""An output folder with images, a video, audio and failures, whose answers are known to the test."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.view import View
from mediaml.core.work import Failure, FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from tests.support.media.annotated_clips import clicks, square_at, write_clip
from tests.support.media.files import write_sound

WIDTH, HEIGHT = 200, 100
CLIP_FRAMES = 50
CLIP_SIZE = (160, 128)
HEADER = {"versions": {"mediaml": "0.2.0"}, "devices": {"finder": ["cpu"], "ears": ["cpu"]}}
FINDER = ModelIdentity("finder", "detect", "finder", "finder", "1", "finder.onnx", "f" * 64, '{"conf":0.05}')
EARS = ModelIdentity("ears", "classify", "ears", "ears", "1", "ears.onnx", "e" * 64, "{}")


def found(name: str, score: float, *box: float, track: int | None = None) -> Detection:
    """A detection; without a box it is in the upper left quarter."""
    return Detection(Label(name, score), Box(*(box or (0, 0, WIDTH / 2, HEIGHT / 2))), track)


@dataclass(slots=True)
class ReportFolder:
    """A ledger that is filled source by source; media are in `media/` beside it."""

    folder: Path
    ledger: Ledger = field(init=False)
    finder: int = field(init=False)
    ears: int = field(init=False)

    def __post_init__(self) -> None:
        self.media.mkdir(parents=True)
        self.ledger = Ledger(self.out)
        run = self.ledger.begin_run(HEADER)
        self.finder = self.ledger.add_model(FINDER, View(min_score=0.25))
        self.ears = self.ledger.add_model(EARS, View(min_score=0.5))
        self.ledger.end_run(run)

    @property
    def out(self) -> Path:
        """The output folder."""
        return self.folder / "out"

    @property
    def media(self) -> Path:
        """The folder of the sources."""
        return self.folder / "media"

    def source(self, path: Path, kind: Kind | None) -> int:
        """Add a file as it is now."""
        status = path.stat()
        shown = os.fsencode(path.relative_to(self.folder)).decode("utf-8", "backslashreplace")
        given = Source(path, shown, shown, status.st_size, status.st_mtime_ns, named=True)
        return self.ledger.add_source(given, kind)

    def commit(self, source: int, model: int, answers: list[FrameAnswer], info: MediaInfo) -> None:
        """Commit a model's answers to a whole source."""
        task = Task(source, model, 0)
        accounts = DecodeAccounts(decoded=len(answers))
        self.ledger.commit([record_of(TaskResult(task, tuple(answers), accounts=accounts, info=info))])

    def image(self, name: str, *detections: Detection, shade: int = 90) -> Path:
        """A grey JPEG image with detections."""
        path = self.media / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _, data = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), shade, np.uint8))
        path.write_bytes(data.tobytes())
        info = MediaInfo(str(path), Kind.IMAGE, WIDTH, HEIGHT, container="jpeg", codec="jpeg")
        said = FrameAnswer(0, 0.0, 0.0, Prediction(detections=detections))
        self.commit(self.source(path, Kind.IMAGE), self.finder, [said], info)
        return path

    def clip(self, name: str = "clip.mp4") -> Path:
        """A video of 2 s in which a square moves, with a box around it in its second half."""
        path = write_clip(
            self.media / name, ticks=range(CLIP_FRAMES), sounds=[("aac", {})], sound=clicks(2.0, (0.5, 1.5))
        )
        info = MediaInfo(str(path), Kind.VIDEO, *CLIP_SIZE, duration_s=2.0, audio_tracks=1, codec="h264")
        answers = [FrameAnswer(n, n / 25, 0.04, _around(n)) for n in range(CLIP_FRAMES)]
        source = self.source(path, Kind.VIDEO)
        self.commit(source, self.finder, answers, info)
        self.commit(source, self.ears, [_said(1.0, "click")], info)
        return path

    def sound(self, name: str = "tone.wav") -> Path:
        """3 s of a tone, with a label from 1 s to 2 s."""
        path = self.media / name
        write_sound(path, seconds=3.0)
        info = MediaInfo(str(path), Kind.AUDIO, duration_s=3.0, sample_rate=16_000, audio_tracks=1)
        answers = [_said(0.0), _said(1.0, "seven"), _said(2.0)]
        self.commit(self.source(path, Kind.AUDIO), self.ears, answers, info)
        return path

    def broken(self, name: str = "broken.jpg") -> Path:
        """A file that failed."""
        path = self.media / name
        path.write_bytes(b"nothing")
        source = self.source(path, None)
        failure = Failure("open", "MediaError", f"{path} is <b>no</b> image.\nCheck the file.")
        self.ledger.commit([record_of(TaskResult(Task(source, self.finder, 0), failure=failure))])
        return path


def _around(number: int) -> Prediction:
    """The box around the square, from the clip's middle on; a weak one before."""
    x, y = square_at(number)
    score = 0.9 if number >= CLIP_FRAMES // 2 else 0.1
    return Prediction(detections=(found("target", score, x, y, x + 24, y + 24, track=3),))


def _said(time_s: float, label: str = "") -> FrameAnswer:
    labels = (Label(label, 0.8),) if label else ()
    return FrameAnswer(round(time_s), time_s, 1.0, Prediction(labels=labels))
