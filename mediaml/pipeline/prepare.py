"""The stage `prepare`: frames to samples of a model, one by one or a block at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from mediaml.core.arrays import Array
from mediaml.pipeline.sample import Mark, Sample, no_mark
from mediaml.registry.spec import StagedModel

MOST_SAMPLES, MOST_BYTES, MOST_S = 32, 4 << 20, 0.1


def prepare_samples(samples: Sequence[Sample], mark: Mark = no_mark) -> list[Sample]:
    """Prepare samples of any models; those that fail are ended and left out.

    Args:
        mark: called before each step; with it, frames are prepared one by one.
    """
    by_model: dict[int, list[Sample]] = {}
    for sample in samples:
        by_model.setdefault(id(sample.consumer.model), []).append(sample)
    ready: list[Sample] = []
    for group in by_model.values():
        ready += _prepared(group, mark)
    return ready


def _prepared(samples: list[Sample], mark: Mark) -> list[Sample]:
    """The samples of one model."""
    model = samples[0].consumer.model.model
    if not isinstance(model, StagedModel):
        return samples
    at_once = getattr(model, "prepare_batch", None)
    if len(samples) > 1 and at_once is not None:
        # Plugin code may raise anything; one by one tells which frame it raises for.
        with suppress(Exception, SystemExit):
            arrays = at_once([sample.frame for sample in samples])
            return [_with(sample, model, array) for sample, array in zip(samples, arrays, strict=True)]
    one_by_one = (_prepared_alone(sample, model, mark) for sample in samples)
    return [sample for sample in one_by_one if sample is not None]


def _prepared_alone(sample: Sample, model: StagedModel, mark: Mark) -> Sample | None:
    try:
        mark("prepare", sample.consumer.want.index, sample.frame.time_s)
        return _with(sample, model, model.prepare(sample.frame))
    except (Exception, SystemExit) as error:  # noqa: BLE001  plugin code may raise anything
        sample.fail("prepare", error)
        return None


def _with(sample: Sample, model: StagedModel, array: Array) -> Sample:
    kept = sample.frame if getattr(model, "decodes_pixels", True) else sample.frame.without_pixels()
    return replace(sample, frame=kept, array=array)


class Block:
    """Gathers samples of small files, so that threads hand on blocks of them.

    Used by one thread. A block ends at `MOST_SAMPLES`, `MOST_BYTES` or after `MOST_S`, whichever comes first.

    Args:
        put: takes the samples of a block, which are not prepared yet; false when the run is stopping.
    """

    def __init__(self, put: Callable[[Sequence[Sample]], bool]) -> None:
        self._put = put
        self._samples: list[Sample] = []
        self._bytes = 0
        self._began_s = 0.0

    def add(self, sample: Sample) -> bool:
        """Add a sample; false when the run is stopping."""
        if not self._samples:
            self._began_s = time.monotonic()
        self._samples.append(sample)
        self._bytes += sample.nbytes
        is_full = len(self._samples) >= MOST_SAMPLES or self._bytes >= MOST_BYTES
        return self.put() if is_full or time.monotonic() - self._began_s > MOST_S else True

    def put(self) -> bool:
        """Hand on what there is; false when the run is stopping."""
        samples, self._samples, self._bytes = self._samples, [], 0
        return self._put(samples) if samples else True
