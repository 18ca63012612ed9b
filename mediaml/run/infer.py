"""The inference thread and the post-processing thread: batches in, answers into their streams.

Plugin code runs here. Whatever it raises costs the file whose frame it was raised for: a batch that fails
is tried again frame by frame, so that one frame does not take its neighbours along.
"""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediaml.errors import PluginError
from mediaml.run.answers import plain
from mediaml.run.batching import Buckets
from mediaml.run.channel import Channel
from mediaml.run.read import Sample
from mediaml.spec import Answers, StagedModel
from mediaml.types import Array, Prediction
from mediaml.work import FrameAnswer


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """A batch after inference: raw outputs of a staged model, or the answers of a plain one."""

    samples: list[Sample]
    outputs: Sequence[Array] | None
    answers: Sequence[Answers] | None


class Inference:
    """Turns samples into answered batches, one device's worth.

    Args:
        samples: where samples come from.
        answered: where batches go.
    """

    def __init__(self, samples: Channel[Sample], answered: Channel[Answered]) -> None:
        self._samples = samples
        self._answered = answered
        self._buckets = Buckets()
        self._alone: queue.SimpleQueue[Sample] = queue.SimpleQueue()

    def retry_alone(self, samples: Sequence[Sample]) -> None:
        """Answer each sample in a batch of its own; called from the post-processing thread."""
        for sample in samples:
            self._alone.put(sample)

    def work(self) -> None:
        """Body of the inference thread; returns when the channel is closed."""
        while not self._samples.closed:
            batch = self._next_batch()
            if batch:
                self._infer([sample for sample in batch if not sample.want.stream.failed])

    def _next_batch(self) -> list[Sample] | None:
        if not self._alone.empty():
            return [self._alone.get()]
        sample = self._samples.get_nowait()
        if sample is not None:
            return self._buckets.add(sample)
        # Nothing is ready: a waiting batch goes as it is rather than keep the device idle.
        batch = self._buckets.oldest()
        if batch is not None:
            return batch
        sample = self._samples.get()
        return None if sample is None else self._buckets.add(sample)

    def _infer(self, samples: list[Sample]) -> None:
        if not samples:
            return
        model = samples[0].want.model.model
        try:
            if isinstance(model, StagedModel):
                batch = np.stack([sample.array for sample in samples if sample.array is not None])
                answered = Answered(samples, model.run(batch), None)
            else:
                answered = Answered(samples, None, model.predict([sample.frame for sample in samples]))
        except (Exception, SystemExit) as error:  # noqa: BLE001  plugin code may raise anything
            self._failed(samples, error)
        else:
            self._answered.put(answered)

    def _failed(self, samples: list[Sample], error: BaseException) -> None:
        if len(samples) == 1:
            samples[0].fail("infer", error)
        else:
            self.retry_alone(samples)


def post_process(answered: Answered, inference: Inference) -> None:
    """Decode a batch and hand each frame's answer to its stream."""
    samples = answered.samples
    try:
        predictions = _predictions(answered)
    except (Exception, SystemExit) as error:  # noqa: BLE001  plugin code may raise anything
        if len(samples) == 1:
            samples[0].fail("infer", error)
        else:
            inference.retry_alone(samples)
        return
    for sample, prediction in zip(samples, predictions, strict=True):
        frame = sample.frame
        answer = FrameAnswer(frame.index, frame.time_s, frame.duration_s, prediction)
        sample.want.stream.answer(sample.slice, answer)


def _predictions(answered: Answered) -> list[Prediction]:
    samples = answered.samples
    loaded = samples[0].want.model
    answers = answered.answers
    if answered.outputs is not None and isinstance(loaded.model, StagedModel):
        answers = loaded.model.decode(answered.outputs, [sample.frame for sample in samples])
    predictions = [plain(Prediction.of(answer)) for answer in answers or ()]
    if len(predictions) != len(samples):
        raise PluginError(
            f"plugin {loaded.spec.name!r} answered {len(predictions)} of {len(samples)} frames.",
            "It must return one answer a frame; report this to its author.",
        )
    return predictions
