"""Identities and progress in the ledger, shared by its readers and its writer."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from mediaml.core.view import View
from mediaml.core.work import Failure, ModelIdentity, Source, TaskProgress
from mediaml.ledger.pictures import first_lost
from mediaml.ledger.units import least_units

LINEAGE = ("name", "plugin", "weights_sha256", "options")
"""Columns in which identities differ that are kept side by side."""
IDENTITY = (*LINEAGE, "distribution", "version")
"""Columns that make an identity; within one lineage a newer version supersedes the older."""


@dataclass(frozen=True, slots=True)
class Known:
    """The stamp that identifies the file that was read."""

    id: int
    size: int
    mtime_ns: int
    digest: str
    kind: str | None

    def is_of(self, source: Source) -> bool:
        """Whether a source is still this file, by digest, or else by size and time."""
        if self.digest and source.digest:
            return self.digest == source.digest
        return (self.size, self.mtime_ns) == (source.size, source.mtime_ns)


def same_lineage(model: str = "this", other: str = "other") -> str:
    """The SQL condition that two rows of `model`, under these names, differ in their version at most."""
    return " AND ".join(f"{other}.{column} = {model}.{column}" for column in LINEAGE)


def model_id(db: sqlite3.Connection, model: ModelIdentity) -> int | None:
    """The id of a model in the ledger; `None` where it is new."""
    where = " AND ".join(f"{column} = ?" for column in IDENTITY)
    values = tuple(getattr(model, column) for column in IDENTITY)
    row = db.execute(f"SELECT id FROM model WHERE {where}", values).fetchone()
    return int(row[0]) if row else None


def task_progress(
    db: sqlite3.Connection,
    source: int,
    model: int,
    view: View | None = None,
    *,
    folder: Path | None = None,
) -> TaskProgress:
    """The progress of a model on a source.

    Args:
        view: what is asked for; where detections of it were left out, nothing counts as done.
        folder: the output folder; slices from one on whose pictures are not there do not count as done.
    """
    rows = db.execute(
        "SELECT slice, frames, last, stage, error, message, cut FROM task "
        "WHERE source = ? AND model = ? ORDER BY slice",
        (source, model),
    ).fetchall()
    lost = None if folder is None else first_lost(db, folder, source, model)
    rows = [row for row in rows if lost is None or row[0] < lost]
    least = None if view is None else least_units(view)
    if least is not None and any(row[6] is not None and row[6] >= least for row in rows):
        return TaskProgress(cut=True)
    done = [row for row in rows if row[3] is None]
    failed = next((row for row in rows if row[3] is not None), None)
    next_slice, complete = done[-1][0] + 1 if done else 0, bool(done) and bool(done[-1][2])
    return TaskProgress(
        next_slice=next_slice,
        frames=sum(row[1] for row in done),
        complete=complete,
        failure=Failure(failed[3], failed[4], failed[5]) if failed else None,
        last_s=None if complete or not done else _last_s(db, source, model, next_slice),
    )


def _last_s(db: sqlite3.Connection, source: int, model: int, end_slice: int) -> float | None:
    """The time of the last prediction before a slice, seconds."""
    query = (
        "SELECT time_s FROM prediction WHERE source = ? AND model = ? AND slice < ? "
        "ORDER BY frame DESC LIMIT 1"
    )
    row = db.execute(query, (source, model, end_slice)).fetchone()
    return None if row is None else float(row[0])


def file_state(path: Path) -> tuple[int, int] | None:
    """Size and time of modification (ns) of a derived file; `None` where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
