"""A bounded queue between threads; all of them stop waiting when the run stops."""

from __future__ import annotations

import queue
import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")

_POLL_S = 0.05


class Channel(Generic[Item]):
    """A first-in-first-out queue of at most `capacity` items, closed for all by one event."""

    def __init__(self, capacity: int, stop: threading.Event) -> None:
        self._queue: queue.Queue[Item] = queue.Queue(capacity)
        self._stop = stop

    @property
    def closed(self) -> bool:
        """Whether the run is stopping: no item is taken or put any more."""
        return self._stop.is_set()

    def put(self, item: Item) -> bool:
        """Wait for room and put the item; false when the run stops first."""
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def offer(self, item: Item) -> bool:
        """Put the item if there is room now."""
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            return False
        return True

    def get(self) -> Item | None:
        """Wait a moment for an item; `None` when none came."""
        try:
            return self._queue.get(timeout=_POLL_S)
        except queue.Empty:
            return None

    def get_nowait(self) -> Item | None:
        """An item if there is one now."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None
