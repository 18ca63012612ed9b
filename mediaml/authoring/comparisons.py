"""The checks that run a model twice, and compare."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from mediaml.authoring.answers import CLOSE, EXACT, NEAR, Tolerance, difference
from mediaml.authoring.subject import Row, Subject
from mediaml.core.prediction import Prediction
from mediaml.core.text import counted
from mediaml.core.view import select
from mediaml.pipeline.direct import predict_frames
from mediaml.registry.options import options_of
from mediaml.registry.spec import StagedModel
from mediaml.registry.views import ViewMark, view_marks, view_of

_STATE = "Keep no state between calls, and compute nothing over the batch axis."
_SPEED_FRAMES, _SPEED_S = 32, 3.0


def _compared(
    subject: Subject, check: str, others: Sequence[Prediction], within: Tolerance, advice: str
) -> Row:
    for frame, one, other in zip(subject.frames, subject.answers, others, strict=True):
        said = difference(one, other, within)
        if said:
            where = f"{frame.media.path.rpartition('/')[2]}, frame {frame.index}"
            return Row(check, "failed", f"{where}: {said}", advice)
    return Row(check, "ok", f"{counted(len(others), 'frame')} alike")


def _repeated(subject: Subject) -> Iterator[Row]:
    again = predict_frames(subject.loaded, subject.frames)
    yield _compared(subject, "repeated", again, EXACT, f"Use fixed seeds and stable sorts. {_STATE}")


def _one_by_one(subject: Subject) -> Iterator[Row]:
    alone = [predict_frames(subject.loaded, [frame])[0] for frame in subject.frames]
    yield _compared(subject, f"batch 1 and {subject.loaded.batch}", alone, CLOSE, _STATE)


def _backwards(subject: Subject) -> Iterator[Row]:
    backwards = predict_frames(subject.loaded, subject.frames[::-1])[::-1]
    yield _compared(subject, "another order", backwards, CLOSE, _STATE)


def _in_threads(subject: Subject) -> Iterator[Row]:
    model = subject.loaded.model
    if not isinstance(model, StagedModel):
        yield Row("prepare in threads", "skipped", "the model has no `prepare`")
        return
    alone = [model.prepare(frame) for frame in subject.frames]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(model.prepare, subject.frames))
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(alone, together, strict=True))
    advice = "" if same else "`prepare` is called from several threads: change no attribute in it."
    found = f"{counted(len(alone), 'sample')} {'alike' if same else 'differ'}"
    yield Row("prepare in threads", "ok" if same else "failed", found, advice)


def _thread_counts(subject: Subject) -> Iterator[Row]:
    if not subject.loaded.devices:
        yield Row("threads 1 and 4", "skipped", "the model opens no session")
        return
    one = predict_frames(subject.again(threads=1), subject.frames)
    many = predict_frames(subject.again(threads=4), subject.frames)
    single = dataclasses.replace(subject, answers=one)
    advice = "Answers must not depend on the order of sums: look for thresholds that round."
    yield _compared(single, "threads 1 and 4", many, CLOSE, advice)


def _providers(subject: Subject) -> Iterator[Row]:
    other = subject.again(device="auto")
    if set(other.devices) <= {"cpu"}:
        yield Row("another provider", "skipped", "there is none but the CPU's here")
        return
    there = predict_frames(other, subject.frames)
    name = f"cpu and {', '.join(other.devices)}"
    yield _compared(subject, name, there, NEAR, "Compute sensitive parts in float32.")


def _labels(subject: Subject) -> Iterator[Row]:
    known = set(subject.loaded.labels)
    names = {
        label.name
        for answer in subject.answers
        for label in (*answer.labels, *(found.label for found in answer.detections))
    }
    if not known:
        yield Row("labels", "skipped", "the model does not list its labels (`self.labels`)")
        return
    strange = sorted(names - known)
    advice = "Use `self.labels`, so that classes can be chosen by name." if strange else ""
    found = f"not in its list: {', '.join(strange[:3])}" if strange else f"{len(names)} of {len(known)} seen"
    yield Row("labels", "failed" if strange else "ok", found, advice)


def _dimensions(subject: Subject) -> Iterator[Row]:
    sizes = {each.embedding.vector.size for each in subject.answers if each.embedding is not None}
    if not sizes:
        return
    found = f"{' and '.join(map(str, sorted(sizes)))} dimensions"
    advice = "" if len(sizes) == 1 else "Every frame gets a vector of the same length."
    yield Row("embeddings", "failed" if advice else "ok", found, advice)


def _views(subject: Subject) -> Iterator[Row]:
    """What an option selects must be what the model answers when it is run with it."""
    options = options_of(subject.resolved.spec, subject.resolved.identity.options)
    for name, mark in view_marks(options).items():
        for value in _asked(mark, getattr(options, name), subject):
            asked = _with(options, name, value)
            if asked is not None:
                check = f"view {name}={value[0] if isinstance(value, tuple) else value}"
                yield _viewed(subject, check, asked)


def _viewed(subject: Subject, check: str, asked: Any) -> Row:
    selected = [select(answer, view_of(asked)) for answer in subject.answers]
    direct = predict_frames(subject.again(options=asked), subject.frames)
    # A model may leave the selecting to mediaml altogether.
    ignored = _compared(subject, check, direct, CLOSE, "")
    if ignored.outcome == "ok":
        return ignored
    shown = dataclasses.replace(subject, answers=selected)
    advice = "Let the option do what `mediaml.plugin.select` does, or do not mark it with `view`."
    return _compared(shown, check, direct, CLOSE, advice)


def _asked(mark: ViewMark, floor: Any, subject: Subject) -> list[Any]:
    """Values of an option to try, all above its floor."""
    scores = [label.score for answer in subject.answers for label in answer.labels]
    scores += [found.label.score for answer in subject.answers for found in answer.detections]
    names = [label.name for answer in subject.answers for label in answer.labels]
    names += [found.label.name for answer in subject.answers for found in answer.detections]
    if mark.selects == "classes":
        return [(name,) for name in sorted(set(names))[:1]]
    if mark.selects != "min_score":
        return [1, 2]
    # In the widest gap between two scores, so that rounding does not decide.
    ordered = sorted({floor, *(score for score in scores if score > floor), 1.0})
    gaps = [(high - low, (low + high) / 2) for low, high in pairwise(ordered)]
    return [round(max(gaps)[1], 6)] if gaps else []


def _with(options: Any, name: str, value: Any) -> Any:
    """The options with another value of one; `None` where that is out of its range."""
    record = {**dataclasses.asdict(options), name: value}
    try:
        return msgspec.convert(record, type(options))
    except msgspec.ValidationError:
        return None


def _speed(subject: Subject) -> Iterator[Row]:
    frames = [frame for frame in subject.frames if frame.width >= 32][:8] or list(subject.frames[:1])
    if not frames:
        return
    began, done = time.perf_counter(), 0
    while done < _SPEED_FRAMES and time.perf_counter() - began < _SPEED_S:
        predict_frames(subject.loaded, frames)
        done += len(frames)
    each_ms = 1000 * (time.perf_counter() - began) / done
    where = ", ".join(subject.loaded.devices) or "no session"
    yield Row("speed", "ok", f"{each_ms:.1f} ms per frame ({where}, batch {subject.loaded.batch})")


COMPARISONS: tuple[tuple[str, Callable[[Subject], Iterable[Row]]], ...] = (
    ("labels", _labels),
    ("embeddings", _dimensions),
    ("repeated", _repeated),
    ("batch 1 and more", _one_by_one),
    ("another order", _backwards),
    ("prepare in threads", _in_threads),
    ("threads 1 and 4", _thread_counts),
    ("another provider", _providers),
    ("views", _views),
    ("speed", _speed),
)
