"""The conformance kit: whether a model keeps the promises that runs rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mediaml.authoring.answers import fault
from mediaml.authoring.comparisons import COMPARISONS
from mediaml.authoring.subject import Row, Subject, load_for_check
from mediaml.core.errors import MediaError, MediamlError
from mediaml.core.frame import Frame
from mediaml.core.media import Kind
from mediaml.core.prediction import Prediction
from mediaml.core.text import counted
from mediaml.pipeline.direct import predict_frames
from mediaml.pipeline.models import LoadedModel, ResolvedModel
from mediaml.registry.plugin_errors import describe_error

if TYPE_CHECKING:
    from mediaml.authoring.media import Specimen

_FRAMES_PER_FILE = 3


def check_model(resolved: ResolvedModel) -> Iterator[Row]:
    """Run all checks; they take some seconds.

    Raises:
        MediamlError: the model cannot be loaded.
    """
    from mediaml.authoring.media import specimens

    loaded = load_for_check(resolved)
    kinds = [kind for kind in Kind if kind in resolved.spec.kinds]
    frames: list[Frame] = []
    with TemporaryDirectory() as folder:
        for specimen in specimens():
            if specimen.kind in kinds:
                row, seen = _on_file(loaded, specimen, Path(folder) / specimen.name)
                frames += [] if specimen.large or specimen.damaged else seen[:_FRAMES_PER_FILE]
                yield row
    try:
        subject = Subject(resolved, loaded, frames, predict_frames(loaded, frames))
    except Exception as error:  # noqa: BLE001  plugin code may raise anything
        yield _raised("all files together", error, loaded)
        return
    for name, compare in COMPARISONS:
        yield from guarded(name, compare, subject)


def guarded(name: str, compare: Callable[[Subject], Iterable[Row]], subject: Subject) -> Iterator[Row]:
    """The rows of a check, or one that says what it raised."""
    try:
        yield from compare(subject)
    except Exception as error:  # noqa: BLE001  plugin code may raise anything
        yield _raised(name, error, subject.loaded)


def _on_file(loaded: LoadedModel, specimen: Specimen, path: Path) -> tuple[Row, list[Frame]]:
    """Whether the model answers all frames of a file, and those frames."""
    specimen.write(path)
    frames: list[Frame] = []
    reason = ""
    try:
        _read(path, specimen.kind, loaded, frames)
    except MediaError as error:
        reason = error.message.replace(str(path), specimen.name)
    finally:
        path.unlink()
    if reason and not specimen.damaged:
        return Row(specimen.name, "skipped", f"this installation cannot read it: {reason}"), []
    try:
        predictions = predict_frames(loaded, frames)
    except Exception as error:  # noqa: BLE001  plugin code may raise anything
        return _raised(specimen.name, error, loaded), []
    return _judged(loaded, specimen, frames, predictions), frames


def _read(path: Path, kind: Kind, loaded: LoadedModel, frames: list[Frame]) -> None:
    """Add the frames of a file, as far as it can be read."""
    from mediaml.media.clips import clips_of
    from mediaml.media.reader import open_reader

    with open_reader(path, kind, audio=loaded.audio if kind is Kind.AUDIO else None) as reader:
        read = reader.frames()
        frames.extend(read if loaded.clip is None or kind is Kind.AUDIO else clips_of(read, loaded.clip))


def _judged(
    loaded: LoadedModel, specimen: Specimen, frames: Sequence[Frame], predictions: Sequence[Prediction]
) -> Row:
    for frame, prediction in zip(frames, predictions, strict=True):
        wrong, advice = fault(prediction, frame, loaded.spec)
        if wrong:
            return Row(specimen.name, "failed", f"frame {frame.index}: {wrong}", advice)
    answers = sum(len(each.labels) + len(each.detections) for each in predictions)
    answers += sum((each.embedding is not None) + (each.picture is not None) for each in predictions)
    found = f"{counted(len(frames), 'frame')}, {counted(answers, 'answer')}"
    return Row(specimen.name, "ok", found if frames else "refused by the reader")


def _raised(check: str, error: Exception, loaded: LoadedModel) -> Row:
    """The row of a model that raised."""
    advice = "Answer every frame, with [] where there is nothing."
    if isinstance(error, MediamlError):
        advice = error.hint or advice
        error.hint = ""
    with suppress(Exception):  # the text of an error is plugin code, too
        return Row(check, "failed", " ".join(describe_error(error, loaded.modules).split()), advice)
    return Row(check, "failed", type(error).__name__, advice)
