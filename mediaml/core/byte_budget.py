"""A budget of bytes that threads share: what does not fit waits until others have given theirs back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_POLL_S = 0.05


class ByteBudget:
    """Bounds the bytes that are in use at once; all threads stop waiting when the run stops.

    Something larger than the whole budget is let through when nothing else is in use, so that it never waits
    for ever.

    Args:
        capacity: bytes.
        stop: ends all waiting.
    """

    def __init__(self, capacity: int, stop: threading.Event) -> None:
        self.capacity = capacity
        self._stop = stop
        self._changed = threading.Condition()
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes in use now."""
        return self._used

    def take(self, size: int) -> Share | None:
        """Wait for room, and use so many bytes; `None` when the run stops first."""
        with self._changed:
            while not self._stop.is_set():
                if not self._used or self._used + size <= self.capacity:
                    self._used += size
                    return Share(self, size)
                self._changed.wait(_POLL_S)
        return None

    @contextmanager
    def holding(self, size: int) -> Iterator[bool]:
        """Use so many bytes for the length of a `with` block, after waiting for room.

        Yields:
            Whether there was room before the run stopped.
        """
        share = self.take(size)
        try:
            yield share is not None
        finally:
            if share is not None:
                share.give_back()

    def _give_back(self, size: int) -> None:
        with self._changed:
            self._used -= size
            self._changed.notify_all()


class Share:
    """Bytes taken from a budget, until they are given back. May be used by any thread."""

    def __init__(self, budget: ByteBudget, size: int) -> None:
        self.size = size
        self._budget: ByteBudget | None = budget

    def split(self, parts: int) -> list[Share]:
        """As many shares of the same bytes, each given back by itself; this one is none any more."""
        budget, self._budget = self._budget, None
        assert budget is not None
        each, rest = divmod(self.size, parts)
        return [Share(budget, each + (rest if number == 0 else 0)) for number in range(parts)]

    def give_back(self) -> None:
        """Let others have the bytes; calling it twice does nothing."""
        budget, self._budget = self._budget, None
        if budget is not None:
            budget._give_back(self.size)
