"""The rows of a damaged table that can still be read, for `repair`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from mediaml.ledger.integrity import UNREADABLE, unsound

FIRST_ANSWER = """
CREATE TABLE answer (
  source INTEGER NOT NULL, model INTEGER NOT NULL, frame INTEGER NOT NULL, slice INTEGER NOT NULL,
  time_s REAL NOT NULL, duration_s REAL NOT NULL, labels TEXT NOT NULL, detections TEXT NOT NULL,
  embedding BLOB, picture BLOB,
  PRIMARY KEY (source, model, frame),
  FOREIGN KEY (source, model, slice) REFERENCES task (source, model, slice) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX answer_task ON answer (source, model, slice);
"""
"""The predictions of schema version 1."""

_BATCH = 1000
_MOST_IDS = 1_000_000

Row = tuple[Any, ...]


class _Said(msgspec.Struct):
    """A label or detection of schema version 1."""

    label: str
    score: float
    box: tuple[float, float, float, float] | None = None
    track: int | None = None


class _Found(_Said):
    box: tuple[float, float, float, float]


def copy_rows(
    old: sqlite3.Connection, new: sqlite3.Connection, table: str, key: str, values: Sequence[int] = ()
) -> bool:
    """Copy the rows of a table that can be read; returns whether all could.

    They are read from both ends; then, between, by the values of the first column of their key.

    Args:
        key: that column. values: what it may hold; of an `id` those up to the largest are tried.
    """
    if _copy(old, new, table, f"ORDER BY {key}"):
        return True
    _copy(old, new, table, f"ORDER BY {key} DESC")
    if key == "id":
        most = new.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
        values = range(1, min(most, _MOST_IDS) + 1)
    for value in values:
        _copy(old, new, table, f"WHERE {key} = ?", (value,))
    return False


def copy_answers(
    old: sqlite3.Connection, new: sqlite3.Connection, tables: Sequence[str], pair: tuple[int, int]
) -> None:
    """Copy what one model said of one source, in the order of frames, up to where it cannot be read."""
    for table in tables:
        _copy(old, new, table, "WHERE source = ? AND model = ? ORDER BY frame", pair)


def copy_derived(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Copy what was derived, as far as it is sound; the rest can be derived again.

    What one derivation added to one source and model is copied as a whole or not at all.
    """
    copy_rows(old, new, "derivation", "id")
    new.executemany("DELETE FROM derivation WHERE id = ?", unsound(new, "derivation"))
    for table in ("derived_slice", "track"):
        copy_rows(old, new, table, "source", [row[0] for row in new.execute("SELECT id FROM source")])
    key = "source, model, derivation"
    bad = (
        f"SELECT {key} FROM derived_slice WHERE derivation NOT IN (SELECT id FROM derivation) "
        "OR (source, model, slice) NOT IN (SELECT source, model, slice FROM task) "
        f"UNION SELECT {key} FROM derived_slice GROUP BY {key} HAVING count(*) != max(slice) + 1 "
        f"UNION SELECT {key} FROM track WHERE ({key}) NOT IN (SELECT {key} FROM derived_slice) "
        "OR (source, model, frame, n) NOT IN (SELECT source, model, frame, n FROM detection)"
    )
    chains = {*new.execute(bad), *(row[:3] for row in unsound(new, "derived_slice"))}
    for table in ("derived_slice", "track"):
        new.executemany(f"DELETE FROM {table} WHERE source = ? AND model = ? AND derivation = ?", chains)


def is_confirmed(
    old: sqlite3.Connection,
    new: sqlite3.Connection,
    table: str,
    id_: int,
    indexes: Sequence[Sequence[str]],
) -> bool:
    """Whether an index of the damaged ledger holds a row as it was copied, and none contradicts."""
    confirmed = False
    for columns in indexes:
        row = new.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE id = ?", (id_,)).fetchone()
        where = " AND ".join(f"{column} = ?" for column in columns)
        with suppress(*UNREADABLE):
            found = old.execute(f"SELECT id FROM {table} WHERE {where}", row).fetchone()
            if found is None or found[0] != id_:
                return False
            confirmed = True
    return confirmed


def _columns(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> str:
    """The columns of a table that both ledgers have; those that came later are empty in an older one."""
    wanted = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
    there: set[str] = set()
    with suppress(*UNREADABLE):
        there = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
    return ", ".join(f'"{name}"' for name in wanted if name in there or not there)


def _copy(
    old: sqlite3.Connection, new: sqlite3.Connection, table: str, rest: str, values: Sequence[int] = ()
) -> bool:
    """Copy rows up to the first that cannot be read; returns whether all could.

    Args:
        rest: of the query, from `WHERE` or `ORDER BY` on.
    """
    whole = True
    columns = _columns(old, new, table)
    query = f"SELECT {columns} FROM {table} NOT INDEXED {rest}"
    insert = ""
    batch: list[Row] = []
    rows = _readable(old, query, values)
    for row in rows:
        if row is None:
            whole = False
        elif table != "answer" or _is_answer(row):
            batch.append(row)
            marks = ", ".join("?" * len(row))
            insert = insert or f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
        if len(batch) >= _BATCH:
            new.executemany(insert, batch)
            batch.clear()
    if batch:
        new.executemany(insert, batch)
    return whole


def _readable(old: sqlite3.Connection, query: str, values: Sequence[int]) -> Iterator[Row | None]:
    """Rows, and `None` where the reading breaks off."""
    try:
        yield from old.execute(query, values)
    except UNREADABLE:
        yield None


def _is_answer(row: Row) -> bool:
    """Whether a row is what schema version 1 wrote: its types, and the JSON of labels and detections."""
    *numbers, time_s, duration_s, labels, detections = row[:8]
    if not all(isinstance(one, int) and one >= 0 for one in numbers):
        return False
    if not (isinstance(time_s, float) and isinstance(duration_s, float)):
        return False
    if not all(one is None or isinstance(one, bytes) for one in row[8:]):
        return False
    try:
        said = msgspec.json.decode(labels, type=list[_Said])
        said += msgspec.json.decode(detections, type=list[_Found])
    except (msgspec.MsgspecError, TypeError, UnicodeError):
        return False
    return all(0 <= one.score <= 1 for one in said)
