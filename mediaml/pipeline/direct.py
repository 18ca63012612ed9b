"""Answers frames in the caller's thread, in batches as a run makes them: for tests and checks of models."""

from __future__ import annotations

from collections.abc import Sequence

from mediaml.core.arrays import Array
from mediaml.core.errors import PluginError
from mediaml.core.frame import Frame
from mediaml.core.prediction import Prediction
from mediaml.ops.batches import pad_batch, unpad_outputs
from mediaml.pipeline.infer import plain
from mediaml.pipeline.models import LoadedModel
from mediaml.registry.spec import Answers, StagedModel


def predict_frames(loaded: LoadedModel, frames: Sequence[Frame]) -> list[Prediction]:
    """One prediction per frame, in order. Samples of one shape share batches of `loaded.batch`.

    Raises:
        PluginError: the model gave another number of answers, or one that is no answer.
        Exception: whatever else the model raises.
    """
    model = loaded.model
    answers: list[Prediction | None] = [None] * len(frames)
    prepared = [model.prepare(frame) for frame in frames] if isinstance(model, StagedModel) else None
    for places in _batches(loaded, prepared, len(frames)):
        batch = [frames[place] for place in places]
        if isinstance(model, StagedModel) and prepared is not None:
            outputs = _run(loaded, model, [prepared[place] for place in places])
            answered = model.decode(outputs, _released(model, batch))
        else:
            answered = model.predict(batch)
        for place, prediction in zip(places, _checked(loaded, answered, len(batch)), strict=True):
            answers[place] = prediction
    return [answer for answer in answers if answer is not None]


def _batches(loaded: LoadedModel, prepared: Sequence[Array] | None, count: int) -> list[list[int]]:
    """Places of frames that share a batch."""
    groups: dict[object, list[int]] = {}
    for place in range(count):
        key = None if prepared is None else (prepared[place].shape, prepared[place].dtype.str)
        groups.setdefault(key, []).append(place)
    size = loaded.batch
    return [group[at : at + size] for group in groups.values() for at in range(0, len(group), size)]


def _run(loaded: LoadedModel, model: StagedModel, samples: list[Array]) -> Sequence[Array]:
    if not loaded.fixed or len(samples) == loaded.batch:
        return model.run(pad_batch(samples))
    return unpad_outputs(model.run(pad_batch(samples, loaded.batch)), loaded.batch, len(samples))


def _released(model: StagedModel, frames: Sequence[Frame]) -> list[Frame]:
    """The frames as `decode` gets them in a run."""
    if getattr(model, "decodes_pixels", True):
        return list(frames)
    return [frame.without_pixels() for frame in frames]


def _checked(loaded: LoadedModel, answered: Sequence[Answers], count: int) -> list[Prediction]:
    predictions = [plain(Prediction.of(answer)) for answer in answered]
    if len(predictions) != count:
        raise PluginError(
            f"model {loaded.spec.name!r} returned {len(predictions)} results for {count} frames.",
            "It must return one result per frame.",
        )
    return predictions
