"""What goes into a ledger: identities, sources, tasks and predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.view import View
from mediaml.core.work import FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.ledger.encoding import TaskRecord, record_of
from mediaml.ledger.ledger import Ledger

MODEL = ModelIdentity("cats", "detect", "cats", "cats", "1.0", "cats.onnx", "0" * 64, "{}")
NEWER = replace(MODEL, version="1.1")
OTHER = replace(MODEL, weights="more.onnx", weights_sha256="1" * 64)
CAT = Prediction((Label("cat", 0.123456789),), (Detection(Label("cat", 0.5), Box(1, 2, 3.333, 4)),))


def source(name: str, *, size: int = 10, path: str | None = None) -> Source:
    return Source(Path(path or f"/media/{name}"), name, name, size, 1, named=True)


def result(task: Task, frames: range, *, last: bool = True, said: Prediction = CAT) -> TaskRecord:
    """A task that answers every frame alike."""
    answers = tuple(FrameAnswer(index, index / 10, 0.1, said) for index in frames)
    info = MediaInfo("a.mp4", Kind.VIDEO)
    accounts = DecodeAccounts(decoded=frames.stop)
    return record_of(TaskResult(task, answers, last=last, accounts=accounts, info=info))


def boxes(*scored: tuple[str, float]) -> Prediction:
    """Detections with these names and scores."""
    return Prediction(
        detections=tuple(Detection(Label(name, score), Box(1, 2, 3, 4)) for name, score in scored)
    )


def derive(ledger: Ledger, file: int, model: int, options: str = "{}") -> int:
    """Number the detections of every committed slice by their places, from 10; returns the derivation."""
    number = ledger.derivations.ask("tracks", options, "1", ["cats"])
    first = ledger.derivations.progress(file, model, number).next_slice
    for slice_ in range(first, ledger.derivations.ready_slices(file, model)):
        frames = ledger.derivations.found_frames(file, model, slice_, View())
        rows = [(one.frame, place, 10 + place) for one in frames for place in one.places.tolist()]
        ledger.derivations.commit(file, model, number, slice_, f"after {slice_}".encode(), rows)
    return number
