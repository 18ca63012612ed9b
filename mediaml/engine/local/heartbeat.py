"""Heartbeats: a worker reports that it makes progress, at most once per second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from mediaml.core.work import Reading
from mediaml.engine.local.link import Link
from mediaml.engine.messages import Alive

_INTERVAL_S = 1.0


def _nothing() -> Sequence[Reading]:
    return ()


class Heartbeat:
    """Sends `Alive` over a link after every second in which `step` was called, from a thread of its own.

    Attributes:
        reading: asked what is being read, for each heartbeat.
    """

    def __init__(self, link: Link[Any]) -> None:
        self.reading: Callable[[], Sequence[Reading]] = _nothing
        self._link = link
        self._steps = 0
        threading.Thread(target=self._beat, daemon=True).start()

    def step(self) -> None:
        """Note progress. Not locked: of concurrent calls one may be lost, and others follow."""
        self._steps += 1

    def _beat(self) -> None:
        sent = 0
        while True:
            time.sleep(_INTERVAL_S)
            if self._steps != sent:
                sent = self._steps
                with suppress(OSError):
                    self._link.send(Alive(tuple(self.reading())))
