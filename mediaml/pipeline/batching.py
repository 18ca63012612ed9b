"""Frames of different files share a batch, as long as model and sample shape are the same."""

from __future__ import annotations

from collections.abc import Callable

from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.read import Sample

Key = tuple[int, tuple[int, ...] | None, str]


class Buckets:
    """Samples that wait for a batch, by model and shape. Used from the inference thread only.

    Args:
        most: the largest batch of a model.
    """

    def __init__(self, most: Callable[[LoadedModel], int]) -> None:
        self._most = most
        self._waiting: dict[Key, list[Sample]] = {}

    def add(self, sample: Sample) -> list[Sample] | None:
        """Add a sample; returns the batch that it completes, if any."""
        key = _key(sample)
        bucket = self._waiting.setdefault(key, [])
        bucket.append(sample)
        return self._waiting.pop(key) if len(bucket) >= self._most(sample.consumer.model) else None

    def oldest(self) -> list[Sample] | None:
        """The batch whose first sample has waited longest, though it is not full; `None` when none waits."""
        key = next(iter(self._waiting), None)
        return None if key is None else self._waiting.pop(key)


def _key(sample: Sample) -> Key:
    array = sample.array
    model = id(sample.consumer.model)
    return (model, None, "") if array is None else (model, array.shape, array.dtype.str)
