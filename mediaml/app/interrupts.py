"""Ctrl-C and SIGTERM during a run: handled at once, or after the current critical section."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


class Interrupts(AbstractContextManager["Interrupts"]):
    """Raises `KeyboardInterrupt` in the main thread for Ctrl-C and SIGTERM, later where they are held.

    A signal that is ignored, such as Ctrl-C in a background job, stays ignored. Outside of the main thread,
    where no signal arrives, nothing is changed.
    """

    def __init__(self) -> None:
        self._held = 0
        self._came = False
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._take)

    def close(self) -> None:
        """Restore the previous handlers; closing twice does nothing."""
        while self._before:
            signal.signal(*self._before.popitem())

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Defer a signal that arrives within the `with` block until the block has ended without an error.

        Raises:
            KeyboardInterrupt: at the end of the block, where one came.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._came:
            self._came = False
            raise KeyboardInterrupt

    def _take(self, *_: object) -> None:
        self._came = self._held > 0
        if not self._came:
            raise KeyboardInterrupt
