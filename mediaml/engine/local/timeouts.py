"""How long is waited for a worker."""

from __future__ import annotations

from dataclasses import dataclass

from mediaml.engine.local.child import Worker
from mediaml.engine.local.crash_attribution import Cause, cause_of_silence, cause_of_time


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long is waited, seconds; `None` for ever.

    Attributes:
        per_file: for one file to be done, from when it was begun.
        stall: for any sign of life of a worker that has something to do.
    """

    per_file: float | None = None
    stall: float | None = 300.0


def overdue(worker: Worker, timeouts: Timeouts, now_s: float) -> Cause | None:
    """Why a worker is given up at `now_s` (monotonic seconds); `None` while there is no reason to."""
    if not worker.ready or not worker.in_flight:
        return None
    begun = [entry.began_s for entry in worker.in_flight.values() if entry.began_s is not None]
    if timeouts.stall is not None and now_s - worker.last_sign_s > timeouts.stall:
        return cause_of_silence(timeouts.stall)
    if timeouts.per_file is not None and now_s - min(begun, default=now_s) > timeouts.per_file:
        return cause_of_time(timeouts.per_file)
    return None
