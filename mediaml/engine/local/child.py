"""Worker processes, as seen by their parent."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from mediaml.core.channel import Channel
from mediaml.core.work import Reading
from mediaml.engine.local.crash_attribution import Cause, cause_of_silence, cause_of_time
from mediaml.engine.local.link import Link
from mediaml.engine.messages import Assigned, Message, Order, ReadBundle, ReadSource, Report, StepStarted
from mediaml.engine.timeouts import Timeouts
from mediaml.onnx.providers import DeviceRequest

_LAST_WAIT_S = 5.0
Incoming = TypeVar("Incoming")


@dataclass(frozen=True, slots=True)
class Exited:
    """A process has ended; `code` is negative for a signal."""

    code: int


@dataclass(frozen=True, slots=True, eq=False)
class Event(Generic[Incoming]):
    """A message of a process, or its end."""

    child: Child[Incoming]
    what: Incoming | Exited


class Child(Generic[Incoming]):
    """A worker process, as seen by its parent.

    Args:
        incoming: the union of the messages that it sends.
        events: receives them, and at last its exit.
        process: from `start`.

    Attributes:
        last_sign_s: time of its last message, monotonic seconds.
    """

    def __init__(
        self, incoming: Any, events: Channel[Event[Incoming]], process: subprocess.Popen[bytes]
    ) -> None:
        self.last_sign_s = time.monotonic()
        self._process = process
        assert self._process.stdin and self._process.stdout
        self._link: Link[Incoming] = Link(incoming, self._process.stdout, self._process.stdin)
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()

    def send(self, message: Message) -> None:
        """Send a message; a process that is gone is reported by `Exited`."""
        with suppress(OSError):  # the process is gone: its reader thread reports that
            self._link.send(message)

    def kill(self) -> None:
        """Kill the process without waiting: one that is stuck in a system call may take a while."""
        self._process.kill()

    def dismiss(self) -> None:
        """Close its input, so that the process exits by itself."""
        with suppress(OSError):
            assert self._process.stdin
            self._process.stdin.close()

    def wait(self) -> None:
        """Wait a moment for the process to exit, else kill it."""
        try:
            self._process.wait(_LAST_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _listen(self, events: Channel[Event[Incoming]]) -> None:
        try:
            while (message := self._link.receive()) is not None:
                self.last_sign_s = time.monotonic()
                if not events.put(Event(self, message)):
                    return
        except (msgspec.DecodeError, OSError, ValueError):
            # A process that writes garbage to its pipe is out of control.
            self._process.kill()
        events.put(Event(self, Exited(self._process.wait())))


@dataclass(slots=True)
class InFlight:
    """An order that a worker has: when it was begun (monotonic seconds), and its latest mark.

    `bundle` is the key of the bundle that it belongs to, if any.
    """

    order: Order
    bundle: str | None = None
    began_s: float | None = None
    mark: StepStarted | None = None


class Worker(Child[Report]):
    """A process that runs models on sources.

    Attributes:
        device: where its models run. ready: they are loaded. reading: its progress, by its last heartbeat.
        in_flight: the orders that it has, by key. suspects: orders to run one by one, because one of them may
        have ended a process.
    """

    def __init__(
        self,
        device: DeviceRequest,
        events: Channel[Event[Report]],
        process: subprocess.Popen[bytes],
        suspects: Iterable[Order] = (),
    ) -> None:
        self.device = device
        self._events = events
        self.ready = False
        self.reading: tuple[Reading, ...] = ()
        self.in_flight: dict[str, InFlight] = {}
        self.suspects: deque[Order] = deque(suspects)
        super().__init__(Report, events, process)

    @property
    def unbegun(self) -> int:
        """Number of orders and bundles that no reader thread has taken yet."""
        return len({entry.bundle or key for key, entry in self.in_flight.items() if entry.began_s is None})

    @property
    def alone(self) -> InFlight | None:
        """The order that it runs alone, if any."""
        return next((entry for entry in self.in_flight.values() if entry.order.alone), None)

    def reading_sources(self) -> list[ReadSource]:
        """The sources that it has begun to read."""
        entries = [entry for entry in self.in_flight.values() if entry.began_s is not None]
        return [entry.order for entry in entries if isinstance(entry.order, ReadSource)]

    def overdue(self, timeouts: Timeouts, now_s: float) -> Cause | None:
        """Why the worker must be abandoned at `now_s` (monotonic seconds); `None` where it need not be."""
        if not self.ready or not self.in_flight:
            return None
        begun = [entry.began_s for entry in self.in_flight.values() if entry.began_s is not None]
        if timeouts.stall is not None and now_s - self.last_sign_s > timeouts.stall:
            return cause_of_silence(timeouts.stall)
        if timeouts.per_file is not None and now_s - min(begun, default=now_s) > timeouts.per_file:
            return cause_of_time(timeouts.per_file)
        return None

    def assign_suspect(self) -> None:
        """Send it its next suspect, to run alone; nothing else may be in flight."""
        self.assign(msgspec.structs.replace(self.suspects.popleft(), alone=True))

    def replacement(self, process: subprocess.Popen[bytes]) -> tuple[Worker, list[Order]]:
        """A new worker in place of this dead one, and the orders that this one had not begun.

        Those that it had begun are suspects of the new one, except the one that it ran alone.
        """
        alone = self.alone
        entries = [entry for entry in self.in_flight.values() if entry is not alone]
        begun = [entry.order for entry in entries if entry.began_s is not None]
        successor = Worker(self.device, self._events, process, [*begun, *self.suspects])
        return successor, [entry.order for entry in entries if entry.began_s is None]

    def assign(self, order: Assigned) -> None:
        """Send it an order, or a bundle of them."""
        if isinstance(order, ReadBundle):
            self.in_flight |= {one.key: InFlight(one, order.key) for one in order.orders}
        else:
            self.in_flight[order.key] = InFlight(order)
        self.send(order)

    def note_begun(self, key: str) -> None:
        """A reader thread has taken an order or a bundle."""
        now_s = time.monotonic()
        if key in self.in_flight:
            self.in_flight[key].began_s = now_s
            return
        for entry in self.in_flight.values():
            if entry.bundle == key:
                entry.began_s = now_s
