"""When a file is abandoned."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; `None` waits without limit.

    Attributes:
        per_file: for one file, from when it is begun.
        stall: without any progress of a busy worker.
    """

    per_file: float | None = None
    stall: float | None = 300.0
