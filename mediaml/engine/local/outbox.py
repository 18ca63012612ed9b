"""Results on their way to the supervisor: those of small files that come close together share a message."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from mediaml.core.work import TaskResult
from mediaml.engine.jobs import encode_result
from mediaml.engine.local.link import Link
from mediaml.engine.messages import Notice, TasksDone
from mediaml.ledger.encoding import TaskRecord

_MOST = 64
MOST_WAIT_S = 0.05
"""How long a result waits for others."""


class Outbox:
    """Gathers the results of a worker. All methods may be called from any thread.

    A thread of its own sends what has waited for `MOST_WAIT_S`, so that no result needs a later one, or a
    call, to be sent. Sent at once is a result after a pause, one that fills a message, and one that is large.

    Args:
        link: takes the messages.
        debug: whether tracebacks of failures are sent, too.
    """

    def __init__(self, link: Link[Any], debug: bool) -> None:
        self._link = link
        self._debug = debug
        self._records: list[TaskRecord] = []
        # Held while sending: the slices of a source must arrive in order.
        self._changed = threading.Condition()
        self._sent_s = time.monotonic()
        threading.Thread(target=self._send_late, daemon=True).start()

    def add(self, result: TaskResult) -> None:
        """Add the result of a task.

        Raises:
            OSError: the other end is closed.
        """
        record = encode_result(result)
        if self._debug and record.failure is not None and record.failure.trace:
            self._link.send(Notice(record.failure.trace))
        with self._changed:
            self._records.append(record)
            is_full = len(self._records) >= _MOST or not _is_small(record)
            if is_full or self._remaining_s() <= 0:
                self._send()
            elif len(self._records) == 1:
                self._changed.notify()

    def send(self) -> None:
        """Send what there is.

        Raises:
            OSError: the other end is closed.
        """
        with self._changed:
            self._send()

    def _send(self) -> None:
        if self._records:
            records, self._records = self._records, []
            self._link.send(TasksDone(tuple(records)))
            self._sent_s = time.monotonic()

    def _remaining_s(self) -> float:
        return self._sent_s + MOST_WAIT_S - time.monotonic()

    def _send_late(self) -> None:
        """Body of the thread, which ends when the other end is closed."""
        with suppress(OSError), self._changed:
            while True:
                self._changed.wait_for(lambda: self._records)
                # The lock is let go meanwhile, and others may send.
                self._changed.wait_for(lambda: not self._records, self._remaining_s())
                self._send()


def _is_small(record: TaskRecord) -> bool:
    """Whether a message may hold several such results: one frame at most, without a picture."""
    return len(record.frames) <= 1 and all(frame.picture is None for frame in record.frames)
