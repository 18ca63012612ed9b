"""What all engines share: loading a setup, identifying sources, encoding results."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mediaml.core.errors import PluginError, UsageError
from mediaml.core.media import Kind
from mediaml.core.sampling import ALL_FRAMES, Sampling
from mediaml.core.work import Failure, Sniff, TaskResult
from mediaml.engine.messages import ModelDevices, ModelOrder, Setup, batch_keys
from mediaml.ledger.encoding import TaskRecord, record_of
from mediaml.media.limits import Limits
from mediaml.media.sniff import sniff_kind
from mediaml.pipeline.models import Choice, LoadedModel, ResolvedModel, load_model
from mediaml.registry.entry_points import Registry, load_registry
from mediaml.registry.options import options_of


def load_models(setup: Setup, warn: Callable[[str], None]) -> list[LoadedModel]:
    """Load the models of a setup on its device, with batch sizes that are known to fit in memory.

    Raises:
        PluginError: a file that is a plugin was changed since the run began.
        UsageError: one of them cannot look at some frames only.
        MediamlError: see `load_model`.
    """
    registry = load_registry(files=[Path(os.fsdecode(path)) for path in setup.plugin_files])
    models = []
    for order in setup.models:
        resolved = _resolved(order, registry)
        loaded = load_model(resolved, setup.device, threads=setup.threads, batch=setup.batch, warn=warn)
        known = map(setup.batch_limits.get, batch_keys(order.identity, loaded.devices))
        most = min([loaded.batch, *(frames for frames in known if frames and not loaded.fixed)])
        _refuse_sampling(loaded, Sampling.of_record(setup.sampling))
        models.append(replace(loaded, batch=most, keep=order.keep))
    return models


def _refuse_sampling(model: LoadedModel, sampling: Sampling) -> None:
    """Refuse to leave out frames for a model that needs each.

    Raises:
        UsageError: it takes clips, whose frames it chooses itself, or makes a picture of each frame.
    """
    name = model.spec.name
    if model.clip is not None and sampling != ALL_FRAMES:
        raise UsageError(
            f"{name} takes clips of frames and chooses these itself: it cannot look at {sampling}.",
            "Run it without --every, --fps, --keyframes, --scenes, --start, --end, --duration and --still.",
        )
    if model.spec.task == "transform" and (sampling.is_sparse or sampling.still is not None):
        raise UsageError(
            f"{name} makes a picture of each frame: it cannot look at {sampling}.",
            "Run it without --every, --fps, --keyframes, --scenes and --still; a range is possible.",
        )


def devices_of(model: LoadedModel) -> ModelDevices:
    """What is said of a loaded model, as a message."""
    return ModelDevices(
        model.devices,
        model.fallbacks,
        model.labels,
        model.places,
        model.notes,
        model.details,
        None if model.clip is None else model.clip.frames,
    )


def _resolved(order: ModelOrder, registry: Registry) -> ResolvedModel:
    offer = registry.find(order.identity.name)
    if offer.plugin.from_file and offer.plugin.version != order.identity.version:
        raise PluginError(f"plugin {offer.plugin.distribution} was changed during the run.", "Run it again.")
    weights = None if order.weights is None else Path(os.fsdecode(order.weights))
    choice = Choice(offer, options_of(offer.spec, order.identity.options), weights)
    return ResolvedModel(choice, weights, order.identity)


def encode_result(result: TaskResult) -> TaskRecord:
    """Encode a result for the ledger; predictions that cannot be encoded fail their task."""
    try:
        return record_of(result)
    except Exception as error:  # noqa: BLE001  such as a picture that PNG cannot hold
        failure = Failure.of("infer", error)
        return TaskRecord(result.task, failure=failure, accounts=result.accounts)


def identify_sniffed(sniff: Sniff, limits: Limits) -> Kind | Failure | None:
    """What a source is, `None` where it is not media, or why that is unknown."""
    try:
        return sniff_kind(sniff.location, limits)
    except Exception as error:  # noqa: BLE001  a demuxer may raise anything; it costs this file
        return Failure.of("open", error)
