"""The supervisor: gives orders to worker processes, and replaces those that die.

    orders -> children (one process per device) -> records, taken and committed by the caller

A worker that dies, hangs or takes too long is replaced. The orders that it had begun are then run one by
one, and each step is marked. So the order that ends a process again is known, with its step: that order
fails, and all others go on.
"""

from __future__ import annotations

import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from threading import Event as Flag

import msgspec

from mediaml.core.channel import Channel
from mediaml.core.errors import DeviceError, PluginError
from mediaml.core.media import Kind
from mediaml.core.work import Failure, Job, Reading, Sniff
from mediaml.engine.bundles import orders_of
from mediaml.engine.local.child import Event, Exited, InFlight, Worker
from mediaml.engine.local.crash_attribution import (
    Cause,
    advance,
    attribute,
    cause_of_exit,
    cause_of_failed_device,
    error_of,
    failure_of,
)
from mediaml.engine.local.start import WORKER, start
from mediaml.engine.messages import (
    Alive,
    Assigned,
    BatchReduced,
    Began,
    Identified,
    Identify,
    ModelDevices,
    ModelsLoaded,
    Notice,
    Order,
    ReadSource,
    Report,
    Setup,
    StepStarted,
    TasksDone,
    WorkerFailed,
    key_of,
    order_of,
)
from mediaml.engine.protocol import JobPlanner
from mediaml.engine.timeouts import Timeouts
from mediaml.ledger.encoding import TaskRecord
from mediaml.onnx.providers import DeviceRequest

_EVENTS, _MOST_DEATHS_IN_A_ROW = 256, 5


class Supervisor(AbstractContextManager["Supervisor"]):
    """The local engine: worker processes that start at once, and load while the caller prepares.

    Args:
        devices: one worker each.
        first: a process that was started for the first of them.
        timeouts: when a worker is abandoned.
        warn: takes one line for the user.
        hold: defers an interrupt of the caller's thread to the end of a `with` block. Without it a
            record may get lost between two others.
    """

    def __init__(
        self,
        devices: Sequence[DeviceRequest],
        *,
        first: subprocess.Popen[bytes] | None = None,
        timeouts: Timeouts,
        warn: Callable[[str], None],
        hold: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._hold = hold
        self._timeouts = timeouts
        self._warn = warn
        self._stop = Flag()
        self._events: Channel[Event[Report]] = Channel(_EVENTS, self._stop)
        self._children = [
            Worker(device, self._events, (first if number == 0 else None) or start(WORKER))
            for number, device in enumerate(devices)
        ]
        self._setup: Setup | None = None
        self._begun = False
        self._facts: list[ModelDevices] = []
        self._waiting: deque[Assigned] = deque()
        self._records: list[TaskRecord] = []
        self._deaths = 0

    def begin(self, setup: Setup, *, later: bool = False) -> None:
        """See `Engine.begin`."""
        self._setup, self._begun = setup, not later
        for child in self._children if self._begun else ():
            child.send(self._setup_of(child))

    def ready(self) -> list[ModelDevices]:
        """See `Engine.ready`; the devices are those of the first worker.

        Raises:
            MediamlError: what a worker raised, such as `DeviceError` or `ModelError`.
            PluginError: a worker died while it loaded.
        """
        while not all(child.ready for child in self._children):
            self._take_events()
        return self._facts

    def emit(self, record: TaskRecord) -> None:
        """See `Engine.emit`."""
        self._records.append(record)

    def run(self, jobs: Iterator[Job | Sniff], planner: JobPlanner) -> Iterator[None]:
        """See `Engine.run`."""
        self._planner = planner
        first = next(jobs, None)
        if first is not None and not self._begun and self._setup is not None:
            self.begin(self._setup)
        bundled = self._timeouts.per_file is None
        orders = None if first is None else orders_of(chain((first,), jobs), bundled=bundled)
        while True:
            for child in self._children:
                orders = self._feed(child, orders)
            if not self._records and self._idle(orders):
                return
            with self._hold():
                self._take_events()
            self._watch()
            yield

    def take(self) -> list[TaskRecord]:
        """See `Engine.take`."""
        taken, self._records = self._records, []
        return taken

    def reading(self) -> list[Reading]:
        """See `Engine.reading`."""
        begun = {order.source for child in self._children for order in child.reading_sources()}
        return [file for child in self._children for file in child.reading if file.source in begun]

    def close(self) -> None:
        """See `Engine.close`."""
        while (event := self._events.get_nowait()) is not None:
            if isinstance(event.what, TasksDone) and event.child in self._children:
                self._records += event.what.records
        self._stop.set()
        for child in self._children:
            child.kill()
        for child in self._children:
            child.wait()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _setup_of(self, child: Worker) -> Setup:
        assert self._setup is not None
        return msgspec.structs.replace(self._setup, device=child.device)

    def _idle(self, orders: Iterator[Assigned] | None) -> bool:
        busy = any(child.in_flight or child.suspects for child in self._children)
        return orders is None and not self._waiting and not busy

    def _feed(self, child: Worker, orders: Iterator[Assigned] | None) -> Iterator[Assigned] | None:
        """Send a worker what it can take; returns the orders, `None` when they are exhausted."""
        assert self._setup is not None
        while child.ready:
            if child.suspects or child.alone:
                if not child.in_flight:
                    child.assign_suspect()
                return orders
            if child.unbegun >= self._setup.readers:
                return orders
            order = self._waiting.popleft() if self._waiting else next(orders, None) if orders else None
            if order is None:
                return None
            child.assign(order)
        return orders

    def _take_events(self) -> None:
        """Wait a moment for events of the workers, and handle all that have arrived."""
        event = self._events.get()
        while event is not None:
            # Events of an abandoned worker are ignored.
            for child in [child for child in self._children if child is event.child]:
                self._take(child, event.what)
            event = self._events.get_nowait()

    def _take(self, child: Worker, what: object) -> None:
        match what:
            case TasksDone():
                self._answered(child, what.records)
            case Began():
                child.note_begun(what.key)
            case StepStarted() if what.key in child.in_flight:
                child.in_flight[what.key].mark = what
            case Identified() if what.key in child.in_flight:
                self._identified(child.in_flight.pop(what.key).order, what)
            case Alive():
                child.reading = what.reading
            case ModelsLoaded():
                child.ready = True
                self._facts = self._facts or list(what.models)
            case Notice():
                self._warn(what.text)
            case BatchReduced():
                self._remember(what)
            case WorkerFailed():
                self._worker_failed(child, what)
            case Exited():
                self._replace_worker(child, cause_of_exit(what.code))

    def _answered(self, child: Worker, records: Sequence[TaskRecord]) -> None:
        self._records += records
        self._deaths = 0
        for record in records:
            entry = child.in_flight[key_of(record)]
            assert isinstance(entry.order, ReadSource)
            rest = advance(entry.order, record)
            if rest is None:
                del child.in_flight[key_of(record)]
            else:
                entry.order = rest

    def _identified(self, order: Order, what: Identified) -> None:
        assert isinstance(order, Identify)
        self._continue_with(order.sniff, what.failure or what.answer)

    def _continue_with(self, sniff: Sniff, answer: Kind | Failure | None) -> None:
        job = self._planner.settle(sniff, answer)
        if job is not None:
            self._waiting.append(order_of(job))

    def _remember(self, what: BatchReduced) -> None:
        assert self._setup is not None
        limits = {**self._setup.batch_limits, what.key: what.frames}
        self._setup = msgspec.structs.replace(self._setup, batch_limits=limits)
        self._warn(f"{what.name}: out of memory; batch size reduced to {what.frames}")
        self._planner.note_batch_limit(what.key, what.frames)

    def _worker_failed(self, child: Worker, what: WorkerFailed) -> None:
        """A worker gives up: a failed device is handled as a crash; anything else is raised here."""
        error = error_of(what)
        if child.ready and isinstance(error, DeviceError):
            self._replace_worker(child, cause_of_failed_device(what.text))
            return
        raise error

    def _watch(self) -> None:
        """Abandon workers that hang, or that take too long for one file."""
        now = time.monotonic()
        for child in list(self._children):
            cause = child.overdue(self._timeouts, now)
            if cause is not None:
                child.kill()
                self._replace_worker(child, cause)

    def _replace_worker(self, child: Worker, cause: Cause) -> None:
        """Replace a dead worker, and requeue its orders.

        Raises:
            PluginError: workers die repeatedly, whatever the file.
        """
        if not child.ready or self._deaths >= _MOST_DEATHS_IN_A_ROW:
            when = "while it loaded the models" if not child.ready else "repeatedly"
            raise PluginError(
                f"a worker process {cause.ending} {when}.", "Try the plugins one by one, with --debug."
            )
        self._deaths += 1
        successor, unbegun = child.replacement(start(WORKER))
        self._waiting.extendleft(reversed(unbegun))
        if child.alone is not None:
            self._fail_alone(child.alone, cause, successor)
        self._children[self._children.index(child)] = successor
        successor.send(self._setup_of(successor))

    def _fail_alone(self, entry: InFlight, cause: Cause, successor: Worker) -> None:
        """Fail the order that ran alone when its process ended; its other models are tried again."""
        assert self._setup is not None
        self._deaths = 0
        names = tuple(model.identity.name for model in self._setup.models)
        failure = failure_of(cause, entry.mark, names)
        if isinstance(entry.order, Identify):
            self._continue_with(entry.order.sniff, failure)
            return
        records, rest = attribute(entry.order, failure, entry.mark)
        self._records += records
        if rest is not None:
            successor.suspects.appendleft(rest)
