"""A worker process: loads the models, then does what it is told until nobody tells it anything.

It dies with its supervisor, and it may die before: of a decoder, of a plugin, for want of memory. It holds
nothing that is not told at once.
"""

from __future__ import annotations

import faulthandler
import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from mediaml.core.media import Kind
from mediaml.core.work import Failure, Stage, TaskResult
from mediaml.engine.local.heartbeat import Heartbeat
from mediaml.engine.local.link import Link
from mediaml.engine.local.messages import (
    Began,
    Broken,
    Identified,
    Identify,
    Look,
    Marked,
    ModelDevices,
    ModelOrder,
    ModelsLoaded,
    Order,
    Said,
    Setup,
    Shrunk,
    TaskDone,
    batch_keys,
)
from mediaml.ledger.encoding import TaskRecord, record_of
from mediaml.media.limits import Limits
from mediaml.media.reader import import_decoders
from mediaml.media.sniff import sniff_kind
from mediaml.onnx.session import import_runtime
from mediaml.pipeline.models import Choice, LoadedModel, ResolvedModel, load_model
from mediaml.pipeline.pipeline import Pipeline
from mediaml.registry.entry_points import Registry, load_registry
from mediaml.registry.options import build_options


def answer_sources(receiving: IO[bytes], sending: IO[bytes]) -> None:
    """Body of the process."""
    link: Link[Any] = Link(Setup | Order, receiving, sending)
    # While the run makes itself ready.
    with suppress(ImportError):
        import_decoders()
        import_runtime()
    setup = link.receive()
    if isinstance(setup, Setup):
        _work(link, setup)
    # Threads of ours and of libraries may be anywhere; nothing here wants tidying up.
    os._exit(0)


def _work(link: Link[Any], setup: Setup) -> None:
    """Load, say so, and do what comes."""
    if setup.debug:
        faulthandler.enable()
    leave = partial(_leave, link)
    try:
        models = _load(setup, warn=lambda text: link.send(Said(text)))
    except BaseException as error:  # noqa: BLE001  the supervisor raises it again, where it can be told
        leave(error)
        return
    link.send(ModelsLoaded(tuple(ModelDevices(model.devices, model.fallbacks) for model in models)))
    with Pipeline(
        models,
        readers=setup.readers,
        limits=setup.limits,
        slice_s=setup.slice_s,
        track=setup.track,
        step=Heartbeat(link).step,
        emit=lambda result: link.send(TaskDone(_record(result))),
        shrunk=partial(_tell_shrunk, link),
        crashed=leave,
    ) as pipeline:
        while isinstance(order := link.receive(), Identify | Look):
            pipeline.submit(_errand(order, link, pipeline, setup.limits))
        os._exit(0)


def _leave(link: Link[Any], error: BaseException) -> None:
    """Tell what went wrong, and end the process whatever its threads do."""
    text = getattr(error, "message", None) or str(error)
    trace = "".join(traceback.format_exception(error))
    with suppress(OSError):
        link.send(Broken(type(error).__name__, text, getattr(error, "hint", ""), trace))
    os._exit(1)


def _load(setup: Setup, warn: Callable[[str], None]) -> list[LoadedModel]:
    registry = load_registry()
    models = []
    for order in setup.models:
        resolved = _resolved(order, registry)
        loaded = load_model(resolved, setup.device, threads=setup.threads, batch=setup.batch, warn=warn)
        known = map(setup.batch_limits.get, batch_keys(order.identity, loaded.devices))
        most = min([loaded.batch, *(frames for frames in known if frames and not loaded.fixed)])
        models.append(replace(loaded, batch=most))
    return models


def _resolved(order: ModelOrder, registry: Registry) -> ResolvedModel:
    offer = registry.find(order.identity.name)
    weights = None if order.weights is None else Path(os.fsdecode(order.weights))
    choice = Choice(offer, build_options(offer.spec, order.assignments), weights, order.assignments)
    return ResolvedModel(choice, weights, order.identity)


def _record(result: TaskResult) -> TaskRecord:
    """Encode a result; answers that cannot be encoded fail their task."""
    try:
        return record_of(result)
    except Exception as error:  # noqa: BLE001  a picture, say, that no PNG can hold
        failure = Failure.of("infer", error)
        return TaskRecord(result.task, failure=failure, accounts=result.accounts)


def _tell_shrunk(link: Link[Any], model: LoadedModel, frames: int) -> None:
    for key in batch_keys(model.identity, model.devices):
        link.send(Shrunk(model.spec.name, key, frames))


def _errand(order: Order, link: Link[Any], pipeline: Pipeline, limits: Limits) -> Callable[[], None]:
    """What a reader thread is to do for an order."""

    def mark(stage: Stage, model: int | None, time_s: float) -> None:
        link.send(Marked(order.key, stage, model, time_s))

    def errand() -> None:
        link.send(Began(order.key))
        if isinstance(order, Identify):
            link.send(_identified(order, limits))
        elif order.alone:
            pipeline.look_alone(order.job, mark)
        else:
            pipeline.look(order.job)

    return errand


def _identified(order: Identify, limits: Limits) -> Identified:
    kind: Kind | None = None
    failure = None
    try:
        kind = sniff_kind(order.sniff.location, limits)
    except Exception as error:  # noqa: BLE001  a demuxer may raise anything; it costs this file
        failure = Failure.of("open", error)
    return Identified(order.key, kind, failure)
