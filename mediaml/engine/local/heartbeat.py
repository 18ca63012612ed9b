"""Heartbeat of life: a second in which something was done is told."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from mediaml.engine.local.link import Link
from mediaml.engine.local.messages import Alive

_SIGN_S = 1.0


class Heartbeat:
    """Tells over a link, once a second at most, that steps are being taken; from a thread of its own."""

    def __init__(self, link: Link[Any]) -> None:
        self._link = link
        self._steps = 0
        threading.Thread(target=self._tell, daemon=True).start()

    def step(self) -> None:
        """Something has been done. From several threads at once one step may get lost; others follow."""
        self._steps += 1

    def _tell(self) -> None:
        told = 0
        while True:
            time.sleep(_SIGN_S)
            if self._steps != told:
                told = self._steps
                with suppress(OSError):
                    self._link.send(Alive())
