"""The inference thread and the post-processing thread: batches in, results into their streams.

Plugin code runs here. Whatever it raises costs the file whose frame it was raised for: a batch that fails
is tried again frame by frame, so that one frame does not take its neighbours along. A batch that is too
large for the memory of its device is halved instead, and so are all later ones of that model.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.channel import Channel
from mediaml.core.errors import DeviceError, MemoryLimitError, PluginError
from mediaml.core.prediction import Box, Detection, Embedding, Keypoint, Label, Prediction
from mediaml.core.view import bounded
from mediaml.core.work import FrameAnswer
from mediaml.ops.batches import pad_batch, unpad_outputs
from mediaml.pipeline.batch_size import is_batch
from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.sample import Mark, Sample
from mediaml.registry.spec import Answers, StagedModel

_Key = tuple[int, tuple[int, ...] | None, str]


@dataclass(frozen=True, slots=True, eq=False)
class InferredBatch:
    """A batch after inference: raw outputs of a staged model, or the answers of a plain one."""

    samples: list[Sample]
    outputs: Sequence[Array] | None
    answers: Sequence[Answers] | None


class Buckets:
    """Samples that wait for a batch, by model and shape: frames of different files share one.

    Used from the inference thread only.

    Args:
        is_full: whether samples of one model and shape are a batch.
    """

    def __init__(self, is_full: Callable[[Sequence[Sample]], bool]) -> None:
        self._is_full = is_full
        self._waiting: dict[_Key, list[Sample]] = {}

    def add(self, sample: Sample) -> list[Sample] | None:
        """Add a sample; returns the batch that it completes, if any."""
        key = _key(sample)
        bucket = self._waiting.setdefault(key, [])
        bucket.append(sample)
        return self._waiting.pop(key) if self._is_full(bucket) else None

    def oldest(self) -> list[Sample] | None:
        """The batch whose first sample has waited longest, though it is not full; `None` when none waits."""
        key = next(iter(self._waiting), None)
        return None if key is None else self._waiting.pop(key)


def _key(sample: Sample) -> _Key:
    array = sample.array
    model = id(sample.consumer.model)
    return (model, None, "") if array is None else (model, array.shape, array.dtype.str)


class Inference:
    """Turns samples into answered batches, for one device.

    Args:
        samples: where blocks of samples come from.
        answered: where batches go.
        shrunk: called when a model's batch was too large, with the size that is used from then on.
    """

    def __init__(
        self,
        samples: Channel[Sequence[Sample]],
        answered: Channel[InferredBatch],
        shrunk: Callable[[LoadedModel, int], None],
    ) -> None:
        self._samples = samples
        self._answered = answered
        self._shrunk = shrunk
        self._limits: dict[int, int] = {}
        self._buckets = Buckets(self._is_full)
        self._again: queue.SimpleQueue[list[Sample]] = queue.SimpleQueue()
        self._full: deque[list[Sample]] = deque()

    def _most(self, model: LoadedModel) -> int:
        return self._limits.get(id(model), model.batch)

    def _is_full(self, samples: Sequence[Sample]) -> bool:
        model, array = samples[0].consumer.model, samples[0].array
        nbytes = 0 if array is None else len(samples) * array.nbytes
        return is_batch(len(samples), nbytes, self._most(model), model.batch_bytes)

    def retry_alone(self, samples: Sequence[Sample]) -> None:
        """Answer each sample in a batch of its own; called from the post-processing thread, too."""
        for sample in samples:
            self._again.put([sample])

    def work(self) -> None:
        """Body of the inference thread; returns when the channel is closed.

        Raises:
            DeviceError: a device has failed for a reason other than memory; it cannot be used any more.
        """
        while not self._samples.closed:
            batch = self._next_batch()
            live = _live(batch or ())
            answered = self._infer(live) if live else None
            if answered is not None:
                self._answered.put(answered)

    def answer_now(self, sample: Sample, mark: Mark) -> bool:
        """Infer one sample and hand on its answer in the caller's thread; nothing else may be running.

        Raises:
            DeviceError: see `work`.
        """
        mark("infer", sample.consumer.want.index, sample.frame.time_s)
        answered = self._infer([sample])
        if answered is not None:
            post_process(answered, self)
        return True

    def _next_batch(self) -> list[Sample] | None:
        if not self._again.empty():
            return self._again.get()
        if self._full:
            return self._full.popleft()
        block = self._samples.get_nowait()
        if block is None:
            # Nothing is ready: a waiting batch goes as it is rather than keep the device idle.
            batch = self._buckets.oldest()
            if batch is not None:
                return batch
            block = self._samples.get()
        full = (self._buckets.add(sample) for sample in block or ())
        self._full.extend(batch for batch in full if batch is not None)
        return self._full.popleft() if self._full else None

    def _infer(self, samples: list[Sample]) -> InferredBatch | None:
        model = samples[0].consumer.model.model
        try:
            if isinstance(model, StagedModel):
                return InferredBatch(samples, self._run(model, samples), None)
            return InferredBatch(samples, None, model.predict([sample.frame for sample in samples]))
        except (MemoryLimitError, MemoryError) as error:
            self._too_large(samples, error)
        except DeviceError:
            # A GPU's context is lost with its first failure: whatever ran on it next would fail as well.
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  plugin code may raise anything
            self._failed(samples, error)
        return None

    def _run(self, model: StagedModel, samples: list[Sample]) -> Sequence[Array]:
        """The outputs for the samples; a batch that is short of a fixed size is filled up for the graph."""
        loaded = samples[0].consumer.model
        arrays = [sample.array for sample in samples if sample.array is not None]
        if not loaded.fixed or len(arrays) == loaded.batch:
            return model.run(pad_batch(arrays))
        return unpad_outputs(model.run(pad_batch(arrays, loaded.batch)), loaded.batch, len(arrays))

    def _too_large(self, samples: list[Sample], error: BaseException) -> None:
        """Halve a batch that does not fit in memory, and all later ones of its model."""
        model, half = samples[0].consumer.model, (len(samples) + 1) // 2
        if model.fixed or len(samples) == 1:
            self._failed(samples, error)
            return
        if half < self._most(model):
            self._limits[id(model)] = half
            self._shrunk(model, half)
        for start in range(0, len(samples), half):
            self._again.put(samples[start : start + half])

    def _failed(self, samples: list[Sample], error: BaseException) -> None:
        if len(samples) == 1:
            samples[0].fail("infer", error)
        else:
            self.retry_alone(samples)


def scaled(prediction: Prediction, scale: tuple[float, float]) -> Prediction:
    """The boxes of a frame in pixels of its file; see `Frame.scale`."""
    if scale == (1.0, 1.0) or not prediction.detections:
        return prediction
    return replace(prediction, detections=tuple(found.placed(*scale) for found in prediction.detections))


def _live(batch: Sequence[Sample]) -> list[Sample]:
    """The samples whose stream has not failed; the others are dropped."""
    live = []
    for sample in batch:
        if sample.consumer.stream.failed:
            sample.settle()
        else:
            live.append(sample)
    return live


def post_process(answered: InferredBatch, inference: Inference) -> None:
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
        kept, cut = bounded(scaled(prediction, frame.scale), sample.consumer.model.keep)
        answer = FrameAnswer(frame.index, frame.time_s, frame.duration_s, kept, cut, frame.track)
        sample.consumer.stream.answer(sample.slice, answer)
        sample.settle()


def _predictions(answered: InferredBatch) -> list[Prediction]:
    samples = answered.samples
    loaded = samples[0].consumer.model
    answers = answered.answers
    if answered.outputs is not None and isinstance(loaded.model, StagedModel):
        answers = loaded.model.decode(answered.outputs, [sample.frame for sample in samples])
    predictions = [plain(Prediction.of(answer)) for answer in answers or ()]
    if len(predictions) != len(samples):
        raise PluginError(
            f"model {loaded.spec.name!r} returned {len(predictions)} results for {len(samples)} frames.",
            "It must return one result per frame; report this to its author.",
        )
    if loaded.clip is not None and any(prediction.picture is not None for prediction in predictions):
        raise PluginError(
            f"model {loaded.spec.name!r} answered a clip with a picture.",
            "It may answer with labels, detections or an embedding; report this to its author.",
        )
    return predictions


def plain(prediction: Prediction) -> Prediction:
    """The same prediction in Python's own numbers and text.

    Plugins compute with NumPy, so scores and corners are often NumPy numbers, which JSON does not know. An
    error here fails one file; in the ledger it would fail the run.

    Raises:
        PluginError: a name is not text, or a value is not a number.
    """
    try:
        return Prediction(
            labels=tuple(map(_label, prediction.labels)),
            detections=tuple(map(_detection, prediction.detections)),
            embedding=_embedding(prediction.embedding),
            picture=prediction.picture,
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise PluginError(f"invalid result: {error}", "Report this to its author.") from error


def _label(label: Label) -> Label:
    if not isinstance(label.name, str):
        raise TypeError(f"a name must be text, not {label.name!r}.")
    # Lone surrogates are text to Python and nothing to UTF-8.
    label.name.encode("utf-8")
    return Label(label.name, float(label.score))


def _detection(detection: Detection) -> Detection:
    left, top, right, bottom = map(float, detection.box.corners)
    track = None if detection.track is None else int(detection.track)
    return Detection(
        _label(detection.label),
        Box(left, top, right, bottom),
        track,
        tuple(tuple((float(x), float(y)) for x, y in ring) for ring in detection.outline),
        tuple(Keypoint(float(point.x), float(point.y), float(point.score)) for point in detection.keypoints),
    )


def _embedding(embedding: Embedding | None) -> Embedding | None:
    return None if embedding is None else Embedding(np.asarray(embedding.vector, np.float32))
