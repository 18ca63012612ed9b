"""Thumbnails made by processes of their own: a decoder that crashes or hangs costs those of one source."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from threading import Event as Flag

from mediaml.core.channel import Channel
from mediaml.engine.local.child import Child, Event, Exited
from mediaml.engine.local.crash_attribution import cause_of_exit
from mediaml.engine.local.start import start
from mediaml.outputs.report.messages import FromMaker, Made, Thumbnails

MAKER = "mediaml.outputs.report"
"""The module that a process runs."""
STALL_S = 60.0
"""Seconds without progress after which the thumbnails of a source are abandoned."""
_MOST_PROCESSES = 8
# A process takes about half a second to start, as long as some dozens of thumbnails.
_ORDERS_EACH = 24
_EVENTS = 256


def make_all(
    orders: Sequence[Thumbnails], *, stall_s: float = STALL_S, module: str = MAKER
) -> Iterator[Made]:
    """Carry out orders in several processes; yields the outcome of each, in the order in which they end.

    A process that ends or is silent for `stall_s` seconds is replaced, and its order has failed.
    """
    count = min(_MOST_PROCESSES, os.cpu_count() or 1, -(-len(orders) // _ORDERS_EACH))
    with ExitStack() as stack:
        pool = _Pool(orders, stall_s, module)
        stack.callback(pool.close)
        for _ in range(count):
            pool.begin()
        while pool.busy:
            yield from pool.finished()


class _Pool:
    """Processes with one order each."""

    def __init__(self, orders: Sequence[Thumbnails], stall_s: float, module: str) -> None:
        self.busy: dict[Child[FromMaker], Thumbnails] = {}
        self._waiting = iter(orders)
        self._stall_s = stall_s
        self._module = module
        self._stop = Flag()
        self._events: Channel[Event[FromMaker]] = Channel(_EVENTS, self._stop)
        self._silent: set[Child[FromMaker]] = set()

    def begin(self) -> None:
        """Start a process on the next order, if there is one."""
        order = next(self._waiting, None)
        if order is not None:
            self._assign(Child(FromMaker, self._events, start(self._module)), order)

    def _assign(self, child: Child[FromMaker], order: Thumbnails) -> None:
        self.busy[child] = order
        child.last_sign_s = time.monotonic()
        child.send(order)

    def finished(self) -> Iterator[Made]:
        """Wait a moment for one order to end."""
        event = self._events.get()
        if event is None:
            self._end_silent()
        elif isinstance(event.what, Exited):
            yield from self._lost(event.child, event.what)
        elif isinstance(event.what, Made) and self.busy.pop(event.child, None) is not None:
            order = next(self._waiting, None)
            if order is None:
                event.child.dismiss()
            else:
                self._assign(event.child, order)
            yield event.what

    def _lost(self, child: Child[FromMaker], exited: Exited) -> Iterator[Made]:
        order = self.busy.pop(child, None)
        if order is None:
            return
        why = f"made no progress for {self._stall_s:g} s" if child in self._silent else ""
        self.begin()
        yield Made(order.source, f"the process that read it {why or cause_of_exit(exited.code).ending}.")

    def _end_silent(self) -> None:
        now_s = time.monotonic()
        for child in self.busy:
            if now_s - child.last_sign_s > self._stall_s and child not in self._silent:
                self._silent.add(child)
                child.kill()

    def close(self) -> None:
        """End all processes."""
        for child in self.busy:
            child.kill()
        for child in self.busy:
            child.wait()
        self._stop.set()
