"""What the ledger knows of a source, and how far a model has come with it: for its readers and its writer."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from mediaml.core.work import Failure, Source, TaskProgress

IDENTITY = ("name", "plugin", "distribution", "version", "weights_sha256", "options")
"""What tells two models apart."""


@dataclass(frozen=True, slots=True)
class Known:
    """What tells whether a source is still the file that was answered."""

    id: int
    size: int
    mtime_ns: int
    digest: str
    kind: str | None

    def is_of(self, source: Source) -> bool:
        """Whether a source is this very file, as far as its digest or else its size and time tell."""
        if self.digest and source.digest:
            return self.digest == source.digest
        return (self.size, self.mtime_ns) == (source.size, source.mtime_ns)


def task_progress(db: sqlite3.Connection, source: int, model: int) -> TaskProgress:
    """How far a model has come with a source."""
    rows = db.execute(
        "SELECT slice, frames, last, stage, error, message FROM task "
        "WHERE source = ? AND model = ? ORDER BY slice",
        (source, model),
    ).fetchall()
    done = [row for row in rows if row[3] is None]
    failed = next((row for row in rows if row[3] is not None), None)
    return TaskProgress(
        next_slice=done[-1][0] + 1 if done else 0,
        frames=sum(row[1] for row in done),
        complete=bool(done) and bool(done[-1][2]),
        failure=Failure(failed[3], failed[4], failed[5]) if failed else None,
    )
