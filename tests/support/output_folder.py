"""An output folder with a ledger that holds one video, answered slice by slice as a test wants it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from mediaml.core.frame import Frame
from mediaml.core.media import Kind
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.work import FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import open_results
from mediaml.media.limits import Limits
from mediaml.media.reader import open_reader
from mediaml.outputs.render.artist import Artist
from mediaml.outputs.render.job import RenderJob
from mediaml.outputs.render.paths import segments_folder
from tests.support.media.annotated_clips import square_at

SLICE_S = 0.4
FRAMES = 40  # four slices of ten frames

Answer = Callable[[Frame], Prediction]


def around(frame: Frame) -> Prediction:
    """The box around the moving square of the clip."""
    x, y = square_at(round(frame.time_s * 25))
    return Prediction(detections=(Detection(Label("target", 0.5), Box(x - 8, y - 8, x + 32, y + 32)),))


class House:
    """An output folder with a ledger that holds one source, and models to answer it."""

    def __init__(self, folder: Path, source: Path, slice_s: float = SLICE_S) -> None:
        self.slice_s = slice_s
        self.ledger = Ledger(folder / "out")
        status = source.stat()
        self.given = Source(source, source.name, source.name, status.st_size, status.st_mtime_ns, True)
        self.id = self.ledger.add_source(self.given, Kind.VIDEO)
        self.target = folder / "out" / "copy.mp4"

    def model(self, name: str, task: str = "detect") -> int:
        return self.ledger.add_model(ModelIdentity(name, task, name, name, "1", "", "", "{}"))

    def answer(self, model: int, said: Answer = around, *, only: int | None = None) -> None:
        """Commit a model's answers to all slices, or to one."""
        slices: dict[int, list[FrameAnswer]] = {}
        with open_reader(self.given.path, Kind.VIDEO) as reader:
            for frame in reader.frames():
                answer = FrameAnswer(frame.index, frame.time_s, frame.duration_s, said(frame))
                info = reader.info
                slices.setdefault(int(frame.time_s // self.slice_s), []).append(answer)
        last = max(slices)
        self.ledger.commit(
            [
                record_of(
                    TaskResult(Task(self.id, model, number), tuple(answers), last=number == last, info=info)
                )
                for number, answers in slices.items()
                if only in {None, number}
            ]
        )

    @property
    def row(self) -> SourceRow:
        with open_results(self.ledger.folder) as view:
            return view.source(self.id)

    @property
    def segments(self) -> dict[str, int]:
        """The segments' files and when they were written."""
        folder = segments_folder(self.ledger.folder, self.id)
        found = {}
        for path in folder.glob("*"):
            # A part that is renamed between the listing and this is not there any more.
            with contextlib.suppress(FileNotFoundError):
                found[path.name] = path.stat().st_mtime_ns
        return found

    def artist(self, stopped: Callable[[], bool] = lambda: False, job: RenderJob | None = None) -> Artist:
        job = job or RenderJob()
        return Artist(self.ledger.folder, Limits(), slice_s=self.slice_s, stopped=stopped, job=job)
