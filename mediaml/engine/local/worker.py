"""A worker process: loads the models, then carries out orders until its pipe is closed.

It dies with its supervisor, and may crash earlier: in a decoder, in a plugin, or out of memory. Results are
sent within a moment.
"""

from __future__ import annotations

import faulthandler
import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import IO, Any

from mediaml.core.sampling import Sampling
from mediaml.core.work import Failure, Stage
from mediaml.engine.jobs import devices_of, identify_sniffed, load_models
from mediaml.engine.local.heartbeat import Heartbeat
from mediaml.engine.local.link import Link
from mediaml.engine.local.outbox import Outbox
from mediaml.engine.messages import (
    Assigned,
    BatchReduced,
    Began,
    Identified,
    Identify,
    ModelsLoaded,
    Notice,
    ReadBundle,
    ReadSource,
    Setup,
    StepStarted,
    WorkerFailed,
    batch_keys,
)
from mediaml.media.limits import Limits
from mediaml.media.reader import import_decoders
from mediaml.onnx.runtime import import_runtime
from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.pipeline import Pipeline


def answer_sources(receiving: IO[bytes], sending: IO[bytes]) -> None:
    """Body of the process."""
    link: Link[Any] = Link(Setup | Assigned, receiving, sending)
    # While the run is starting.
    with suppress(ImportError):
        import_decoders()
        import_runtime()
    setup = link.receive()
    if isinstance(setup, Setup):
        _work(link, setup)
    # Threads may still be running, and nothing needs cleaning up.
    os._exit(0)


def _work(link: Link[Any], setup: Setup) -> None:
    """Load the models, report that, and execute orders."""
    if setup.debug:
        faulthandler.enable()
    leave = partial(_leave, link)
    try:
        models = load_models(setup, lambda text: link.send(Notice(text)))
    except BaseException as error:  # noqa: BLE001  the supervisor raises it again, where it is reported
        leave(error)
        return
    link.send(ModelsLoaded(tuple(map(devices_of, models))))
    heartbeat, outbox = Heartbeat(link), Outbox(link, setup.debug)
    with Pipeline(
        models,
        readers=setup.readers,
        limits=setup.limits,
        slice_s=setup.slice_s,
        track=setup.track,
        sampling=Sampling.of_record(setup.sampling),
        memory=setup.memory,
        folder=setup.output,
        step=heartbeat.step,
        emit=outbox.add,
        shrunk=partial(_tell_shrunk, link),
        crashed=leave,
    ) as pipeline:
        heartbeat.reading = pipeline.reading
        while isinstance(order := link.receive(), Identify | ReadSource | ReadBundle):
            pipeline.submit(_errand(order, link, outbox, pipeline, setup.limits))
        os._exit(0)


def _leave(link: Link[Any], error: BaseException) -> None:
    """Report an error, and end the process whatever its threads do."""
    text = getattr(error, "message", None) or str(error)
    trace = "".join(traceback.format_exception(error))
    with suppress(OSError):
        link.send(WorkerFailed(type(error).__name__, text, getattr(error, "hint", ""), trace))
    os._exit(1)


def _tell_shrunk(link: Link[Any], model: LoadedModel, frames: int) -> None:
    for key in batch_keys(model.identity, model.devices):
        link.send(BatchReduced(model.spec.name, key, frames))


def _errand(
    order: Assigned, link: Link[Any], outbox: Outbox, pipeline: Pipeline, limits: Limits
) -> Callable[[], None]:
    """What a reader thread is to do for an order."""

    def mark(stage: Stage, model: int | None, time_s: float) -> None:
        outbox.send()  # What is answered is not suspected any more.
        link.send(StepStarted(order.key, stage, model, time_s))

    def errand() -> None:
        link.send(Began(order.key))
        if isinstance(order, Identify):
            link.send(_identified(order, limits))
        elif isinstance(order, ReadBundle):
            pipeline.run_bundle([one.job for one in order.orders])
        elif order.alone:
            pipeline.run_alone(order.job, mark)
        else:
            pipeline.run(order.job)

    return errand


def _identified(order: Identify, limits: Limits) -> Identified:
    answer = identify_sniffed(order.sniff, limits)
    if isinstance(answer, Failure):
        return Identified(order.key, None, answer)
    return Identified(order.key, answer)
