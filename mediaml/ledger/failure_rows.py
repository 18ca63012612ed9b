"""What failed, what could not be written, and what was read in spite of damage, as typed rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from mediaml.core.media import DecodeAccounts
from mediaml.core.work import Failure, Task
from mediaml.ledger.result_rows import CURRENT, SOURCE_COLUMNS, FailureRow, SourceRow, source_row


def failure_rows(db: sqlite3.Connection, source: int | None, task: Task | None) -> Iterator[FailureRow]:
    """What failed, by source and model; then, unless one task is asked for, outputs not written.

    Args:
        source, task: only of one of them.
    """
    where, values = ("1", ()) if source is None else _of_task(source, task)
    tasks = db.execute(
        f"SELECT {SOURCE_COLUMNS}, model.name, stage, error, message, expected, decoded, corrupt, gaps "
        "FROM task JOIN source ON source.id = task.source JOIN model ON model.id = task.model "
        f"WHERE stage IS NOT NULL AND {where} AND task.{CURRENT} ORDER BY position, model.id",
        values,
    )
    for row in tasks:
        failure = Failure(row[7], row[8], row[9])
        yield FailureRow(source_row(row[:6]), row[6], failure, DecodeAccounts(*row[10:14]))
    if task is None:
        yield from _unwritten(db, source)


def damaged_rows(db: sqlite3.Connection) -> Iterator[tuple[SourceRow, DecodeAccounts]]:
    """Sources that were read to their end although parts of them are damaged, with their accounts."""
    rows = db.execute(
        f"SELECT {SOURCE_COLUMNS}, max(expected), max(decoded), max(corrupt), max(gaps) "
        "FROM task JOIN source ON source.id = task.source "
        f"WHERE stage IS NULL AND corrupt > 0 AND {CURRENT} GROUP BY source.id ORDER BY position"
    )
    return ((source_row(row[:6]), DecodeAccounts(*row[6:])) for row in rows)


def _unwritten(db: sqlite3.Connection, source: int | None) -> Iterator[FailureRow]:
    where, values = ("1", ()) if source is None else ("artifact.source = ?", (source,))
    artifacts = db.execute(
        f"SELECT {SOURCE_COLUMNS}, artifact.kind, error, message FROM artifact "
        "JOIN source ON source.id = artifact.source "
        f"WHERE error IS NOT NULL AND {where} ORDER BY position",
        values,
    )
    for row in artifacts:
        failure = Failure("write", row[7], row[8])
        yield FailureRow(source_row(row[:6]), None, failure, DecodeAccounts(), row[6])


def _of_task(source: int, task: Task | None) -> tuple[str, tuple[int, ...]]:
    if task is None:
        return "task.source = ?", (source,)
    return "task.source = ? AND task.model = ? AND task.slice = ?", (task.source, task.model, task.slice)
