"""Results on their way to the supervisor, several in a message."""

from __future__ import annotations

import threading
import time
from typing import Any

from mediaml.core.work import TaskResult
from mediaml.engine.jobs import encode_result
from mediaml.engine.local.link import Link
from mediaml.engine.messages import Notice, TasksDone
from mediaml.ledger.encoding import TaskRecord

_MOST = 64
# Results that come further apart than this are sent at once.
_MOST_WAIT_S = 0.2


class Outbox:
    """Gathers the results of a worker that come one upon another. All methods may be called from any thread.

    Args:
        link: takes the messages.
        debug: whether tracebacks of failures are sent, too.
    """

    def __init__(self, link: Link[Any], debug: bool) -> None:
        self._link = link
        self._debug = debug
        self._records: list[TaskRecord] = []
        self._lock = threading.Lock()
        self._sent_s = time.monotonic()

    def add(self, result: TaskResult) -> None:
        """Add the result of a task."""
        record = encode_result(result)
        if self._debug and record.failure is not None and record.failure.trace:
            self._link.send(Notice(record.failure.trace))
        with self._lock:
            self._records.append(record)
            is_due = time.monotonic() - self._sent_s > _MOST_WAIT_S
            is_full = len(self._records) >= _MOST
        if is_due or is_full:
            self.send()

    def send(self) -> None:
        """Send what there is."""
        # Under the lock: the slices of a source must arrive in order.
        with self._lock:
            if self._records:
                records, self._records = self._records, []
                self._sent_s = time.monotonic()
                self._link.send(TasksDone(tuple(records)))
