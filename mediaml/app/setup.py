"""What worker processes are told before a run begins."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mediaml.app.config import RunConfig
from mediaml.app.memory import MemoryShares, shares_of
from mediaml.core.slices import SLICE_S
from mediaml.engine.messages import ModelOrder, Setup
from mediaml.ledger.recognise import has_ledger
from mediaml.ledger.results import open_results
from mediaml.onnx.providers import parse_devices
from mediaml.pipeline.models import ResolvedModel
from mediaml.pipeline.read import default_readers
from mediaml.registry.plugin_file import plugin_files
from mediaml.registry.views import kept_score


def memory_shares(config: RunConfig, *, renders: bool) -> MemoryShares:
    """How the memory is divided among the processes of a run."""
    workers = len(parse_devices(config.device))
    readers = config.readers or default_readers(workers)
    return shares_of(config.memory, workers=workers, readers=readers, renders=renders)


def setup_of(config: RunConfig, models: Sequence[ResolvedModel], shares: MemoryShares) -> Setup:
    """What workers need; the local engine fills in the device of each."""
    limits: dict[str, int] = {}
    if has_ledger(config.output):
        with open_results(config.output, checked=False) as results:
            limits = results.batch_limits()
    devices = parse_devices(config.device)
    return Setup(
        models=tuple(map(_model_order, models)),
        device=devices[0],
        threads=config.threads,
        batch=config.batch,
        readers=shares.readers,
        limits=shares.reading(config.limits),
        slice_s=SLICE_S,
        batch_limits=limits,
        track=config.track,
        sampling=config.sampling.record(),
        memory=shares.worker,
        folder=os.fsencode(config.output.absolute()),
        debug=config.debug,
        plugin_files=tuple(map(os.fsencode, plugin_files(config.models))),
    )


def _model_order(model: ResolvedModel) -> ModelOrder:
    weights = None if model.weights is None else os.fsencode(model.weights.absolute())
    return ModelOrder(weights, model.identity, kept_score(model.choice.options))
