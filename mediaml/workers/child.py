"""The supervisor's end of one worker process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from mediaml.onnx.providers import DeviceRequest
from mediaml.run.channel import Channel
from mediaml.workers.link import Link
from mediaml.workers.messages import Marked, Message, Order, Report

_LAST_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Gone:
    """A worker's process has ended; `code` is negative for a signal."""

    code: int


@dataclass(slots=True)
class InFlight:
    """An order that a worker has: when it was begun (monotonic seconds), and its latest mark."""

    order: Order
    began_s: float | None = None
    mark: Marked | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """Something that a worker told, or its end."""

    child: Child
    what: Report | Gone


@dataclass(slots=True, eq=False)
class Child:
    """A worker process, as the supervisor sees it.

    Attributes:
        device: where its models run.
        ready: its models are loaded. last_sign_s: when it last told anything, monotonic seconds.
        in_flight: the orders that it has, by key. suspects: orders that it is to do one by one.
    """

    device: DeviceRequest
    ready: bool = False
    last_sign_s: float = field(default_factory=time.monotonic)
    in_flight: dict[str, InFlight] = field(default_factory=dict)
    suspects: deque[Order] = field(default_factory=deque)
    _process: subprocess.Popen[bytes] = field(init=False)
    _link: Link[Report] = field(init=False)

    def start(self, events: Channel[Event]) -> None:
        """Start the process; what it tells goes to `events`, at last that it has gone."""
        self._process = _started()
        assert self._process.stdin and self._process.stdout
        self._link = Link(Report, self._process.stdout, self._process.stdin)
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()

    @property
    def unbegun(self) -> int:
        """Number of orders that no reader thread has taken yet."""
        return sum(entry.began_s is None for entry in self.in_flight.values())

    @property
    def alone(self) -> InFlight | None:
        """The order that it does alone, if it does."""
        return next((entry for entry in self.in_flight.values() if entry.order.alone), None)

    def tell(self, message: Message) -> None:
        """Send a message; whether it has arrived shows in what comes back."""
        with suppress(OSError):  # a process that has gone is an event of its own
            self._link.send(message)

    def assign(self, order: Order) -> None:
        """Let it do something."""
        self.in_flight[order.key] = InFlight(order)
        self.tell(order)

    def kill(self) -> None:
        """End the process at once, without waiting: one that is stuck in the system may take its time."""
        self._process.kill()

    def wait(self) -> None:
        """Wait a moment for the end of a process that was killed."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_WAIT_S)

    def _listen(self, events: Channel[Event]) -> None:
        try:
            while (message := self._link.receive()) is not None:
                self.last_sign_s = time.monotonic()
                if not events.put(Event(self, message)):
                    return
        except (msgspec.DecodeError, OSError, ValueError):
            # Whatever writes nonsense to a private line is no worker any more.
            self._process.kill()
        events.put(Event(self, Gone(self._process.wait())))


def _started() -> subprocess.Popen[bytes]:
    """A new worker process.

    It finds modules where this one does, and never in the folder that it happens to be started in. Signals
    are blocked until it ignores them: Ctrl-C goes to the whole group, but is this process's to answer.
    """
    paths = [path or os.getcwd() for path in sys.path]  # noqa: PTH109  as Python itself reads ''
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-P", "-m", "mediaml.workers"]
    blocked = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked) if hasattr(signal, "pthread_sigmask") else None
    try:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0x10000
        )
    finally:
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
