"""A worker process: loads the models, then does what it is told until nobody tells it anything.

It dies with its supervisor, and it may die before: of a decoder, of a plugin, for want of memory. It holds
nothing that is not told at once.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from mediaml.ledger.encoding import TaskRecord, record_of
from mediaml.media.limits import Limits
from mediaml.media.sniff import sniff_kind
from mediaml.options import build_options
from mediaml.registry import Registry, load_registry
from mediaml.run.models import Choice, LoadedModel, ResolvedModel, load_model
from mediaml.run.pipeline import Pipeline
from mediaml.types import Kind
from mediaml.work import Failure, Stage, TaskResult
from mediaml.workers.link import Link
from mediaml.workers.messages import (
    Alive,
    Answered,
    Began,
    Broken,
    Identified,
    Identify,
    Look,
    Marked,
    ModelFacts,
    ModelOrder,
    Order,
    Ready,
    Said,
    Setup,
    Shrunk,
    batch_keys,
)

_SIGN_S = 1.0
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_FIRST_TO_KILL = "500"  # of -1000..1000 in proc(5): before the supervisor, which has little memory to give


def main() -> None:
    """Body of the process."""
    _settle_in()
    link: Link[Setup | Order] = Link(Setup | Order, sys.stdin.buffer, _private_stdout())
    setup = link.receive()
    if isinstance(setup, Setup):
        _work(link, setup)
    # Threads of ours and of libraries may be anywhere; nothing here wants tidying up.
    os._exit(0)


def _settle_in() -> None:
    """Leave interrupts to the supervisor, die with it, and be the first to go when memory runs out."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_KILL, encoding="ascii")


def _private_stdout() -> BinaryIO:
    """The stream to the supervisor; what anybody else prints goes to the user's stderr from here on."""
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


def _work(link: Link[Setup | Order], setup: Setup) -> None:
    """Load, say so, and do what comes."""
    if setup.debug:
        faulthandler.enable()
    leave = partial(_leave, link)
    try:
        models = _load(setup, warn=lambda text: link.send(Said(text)))
    except BaseException as error:  # noqa: BLE001  the supervisor raises it again, where it can be told
        leave(error)
        return
    link.send(Ready(tuple(ModelFacts(model.devices, model.fallbacks) for model in models)))
    with Pipeline(
        models,
        readers=setup.readers,
        limits=setup.limits,
        emit=lambda result: link.send(Answered(_record(result))),
        shrunk=partial(_tell_shrunk, link),
        crashed=leave,
    ) as pipeline:
        threading.Thread(target=_give_signs, args=(link, pipeline), daemon=True).start()
        while isinstance(order := link.receive(), Identify | Look):
            pipeline.submit(_errand(order, link, pipeline, setup.limits))
        os._exit(0)


def _leave(link: Link[Setup | Order], error: BaseException) -> None:
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


def _tell_shrunk(link: Link[Setup | Order], model: LoadedModel, frames: int) -> None:
    for key in batch_keys(model.identity, model.devices):
        link.send(Shrunk(model.spec.name, key, frames))


def _give_signs(link: Link[Setup | Order], pipeline: Pipeline) -> None:
    """Tell once a second whether anything has been done: body of a thread."""
    told = -1
    while True:
        time.sleep(_SIGN_S)
        if pipeline.steps != told:
            told = pipeline.steps
            link.send(Alive())


def _errand(
    order: Order, link: Link[Setup | Order], pipeline: Pipeline, limits: Limits
) -> Callable[[], None]:
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
