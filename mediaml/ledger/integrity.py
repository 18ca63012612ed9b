"""Whether a ledger is still what was written: its structure, its row counts, and checksums of its rows.

SQLite notices a damaged page only where its structure breaks, and then may leave rows out without an error.
Each task therefore carries the sum of a hash over its own row and all rows of its frames. Sums add up, so one
pass over each table checks any number of tasks. Damage is raised as `sqlite3.DatabaseError`, which who knows
the folder turns into an `OutputError`.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections import Counter
from typing import Any

CHECKSUM_KEY = "checksum"
"""The key in `meta` of the sum over the models and views that were asked for."""
MOST_CHECKED_BYTES = 256 << 20
"""Up to here a ledger is checked as a whole when it is opened: about 2 s per 100 MB. The rows of each file
are checked whenever they are read, however large the ledger is."""

# A prime, so that no change of a number is lost below it; products stay within 63 bits.
_PRIME = 2_147_483_647
_FACTORS = (15485863, 32452843, 49979687, 67867967, 86028121, 104395301, 122949823, 86028157, 15485867)

_TASK = (
    "crc32(task.slice, task.frames, task.last, task.stage, task.error, task.message, task.expected, "
    "task.decoded, task.corrupt, task.gaps, task.cut)"
)
_PREDICTION = "crc32(frame, slice, time_s, duration_s, embedding, picture, audio_track)"
CLASS_SUM = "crc32(model, id, name)"
_SOURCE = "crc32(path, shown, name, kind, info)"
_ASKED = (
    "SELECT coalesce(sum(crc32(key, value)), 0) FROM meta WHERE key LIKE 'current %' OR key LIKE 'view %'"
)


def _mixed(*columns: str) -> str:
    """SQL that hashes whole numbers; in C, where a Python function would take six times as long."""
    terms = (
        f"coalesce({name}, -1) % {_PRIME} * {factor}" for name, factor in zip(columns, _FACTORS, strict=False)
    )
    return f"(({' + '.join(terms)}) % {_PRIME})"


_LABEL = _mixed("frame", "n", "class", "score")
# Few models find shapes: their checksum, which takes a call of Python, is taken only where there is one.
_SHAPE = "CASE WHEN outline IS NULL AND keypoints IS NULL THEN 0 ELSE crc32(frame, n, outline, keypoints) END"
_BOX = _mixed("frame", "n", "class", "score", "left", "top", "right", "bottom", "track")
_DETECTION = f"({_BOX} + {_SHAPE})"

# Left to itself, SQLite goes through all frames of the model for those of one slice.
_IN_TASK = (
    "prediction INDEXED BY prediction_task "
    "WHERE source = task.source AND model = task.model AND slice = task.slice"
)
_SPAN = (
    "source = task.source AND model = task.model AND frame BETWEEN "
    f"(SELECT min(frame) FROM {_IN_TASK}) AND "
    f"(SELECT max(frame) FROM {_IN_TASK})"
)
TASK_SUM = (
    f"({_TASK} + (SELECT coalesce(sum({_PREDICTION}), 0) FROM {_IN_TASK})"
    f" + (SELECT coalesce(sum({_LABEL}), 0) FROM label WHERE {_SPAN})"
    f" + (SELECT coalesce(sum({_DETECTION}), 0) FROM detection WHERE {_SPAN}))"
)
"""SQL: what the checksum of a row of `task` should be."""

_ONE = "source = ?1 AND model = ?2"
_PAIR = (
    f"SELECT (SELECT coalesce(sum(checksum - {_TASK}), 0) FROM task WHERE {_ONE})"
    f" - (SELECT coalesce(sum({_PREDICTION}), 0) FROM prediction WHERE {_ONE})"
    f" - (SELECT coalesce(sum({_LABEL}), 0) FROM label WHERE {_ONE})"
    f" - (SELECT coalesce(sum({_DETECTION}), 0) FROM detection WHERE {_ONE}), "
    f"(SELECT coalesce(sum(frames), 0) FROM task WHERE {_ONE}), "
    f"(SELECT count(*) FROM prediction WHERE {_ONE})"
)
_SLICE = (
    f"SELECT checksum - {TASK_SUM}, frames, (SELECT count(*) FROM {_IN_TASK}) "
    "FROM task WHERE source = ?1 AND model = ?2 AND slice = ?3"
)


UNREADABLE = (sqlite3.Error, UnicodeError)
"""What reading a damaged ledger raises; the latter where SQLite's message quotes bytes that are no text."""


class DamagedLedgerError(sqlite3.DatabaseError):
    """A ledger holds something else than was written."""


class Names(dict[int, str]):
    """The class names of a model by their numbers; an unknown number is damage."""

    def __missing__(self, number: int) -> str:
        raise DamagedLedgerError(f"class {number} has no name")


def crc32(*values: Any) -> int:
    """CRC-32 over values of SQLite, in order."""
    sum_ = 0
    for value in values:
        sum_ = zlib.crc32(value if isinstance(value, bytes) else repr(value).encode(), sum_)
    return sum_


def add_functions(db: sqlite3.Connection) -> None:
    """Let a connection compute and check sums."""
    db.create_function("crc32", -1, crc32, deterministic=True)


def names_of(db: sqlite3.Connection, model: int) -> Names:
    """The class names of a model, by their numbers."""
    return Names(db.execute("SELECT id, name FROM class WHERE model = ?", (model,)))


def seal_tasks(db: sqlite3.Connection, *task: int) -> None:
    """Note the checksum of one task (source, model, slice), or of all; within the caller's transaction."""
    where = " WHERE source = ? AND model = ? AND slice = ?" if task else ""
    db.execute(f"UPDATE task SET checksum = {TASK_SUM}{where}", task)


def seal_source(db: sqlite3.Connection, source: int) -> None:
    """Note the checksum of a source, within the caller's transaction."""
    db.execute(f"UPDATE source SET checksum = {_SOURCE} WHERE id = ?", (source,))


def seal_asked(db: sqlite3.Connection) -> None:
    """Note the checksum of the models and views asked for, within the caller's transaction."""
    db.execute(f"INSERT OR REPLACE INTO meta VALUES (?, (CAST(({_ASKED}) AS TEXT)))", (CHECKSUM_KEY,))


def verify(db: sqlite3.Connection, source: int, model: int, number: int | None = None) -> None:
    """Check the rows of one source and model, or of one time slice of them.

    Raises:
        DamagedLedgerError: they are not what was written.
    """
    key = (source, model) if number is None else (source, model, number)
    row = db.execute(_PAIR if number is None else _SLICE, key).fetchone()
    if row is None:
        return
    difference, frames, found = row
    if frames != found:
        raise DamagedLedgerError(f"{found} of {frames} frames of {_shown(db, source)} can be read")
    if difference != 0:
        raise DamagedLedgerError(f"predictions of {_shown(db, source)} do not match their checksum")


def _shown(db: sqlite3.Connection, source: int) -> str:
    row = db.execute("SELECT shown FROM source WHERE id = ?", (source,)).fetchone()
    return str(row[0]) if row else f"source {source}"


def check(db: sqlite3.Connection) -> None:
    """Check a whole ledger of schema version 2.

    Raises:
        sqlite3.DatabaseError: it is damaged; the message says where.
    """
    check_structure(db)
    for table in ("source", "model", "artifact"):
        check_structure(db, "integrity_check", table)
    for table in ("task", "class", "artifact"):
        broken = db.execute(f"PRAGMA foreign_key_check({table})").fetchone()
        if broken:
            raise DamagedLedgerError(f"a row of {table} refers to a missing row of {broken[2]}")
    if not asked_is_sound(db):
        raise DamagedLedgerError("the models asked for do not match their checksum")
    for table in ("class", "source"):
        if unsound(db, table):
            raise DamagedLedgerError(f"a row of {table} does not match its checksum")
    _check_sums(db)


def check_structure(db: sqlite3.Connection, pragma: str = "quick_check", table: str = "1") -> None:
    """Let SQLite check its pages.

    Raises:
        sqlite3.DatabaseError: some are damaged.
    """
    said = db.execute(f"PRAGMA {pragma}({table})").fetchone()[0]
    if said != "ok":
        raise DamagedLedgerError(said.removeprefix("*** in database main ***\n").split("\n")[0])


def check_first(db: sqlite3.Connection) -> None:
    """Check a ledger of schema version 1, which has no checksums.

    Raises:
        sqlite3.DatabaseError: it is damaged; the message says where.
    """
    check_structure(db, "integrity_check")
    said = db.execute("SELECT source, model, slice, frames FROM task").fetchall()
    found = db.execute("SELECT source, model, slice, count(*) FROM answer GROUP BY source, model, slice")
    rows = {tuple(row[:3]): row[3] for row in found}
    for *key, frames in said:
        if frames != rows.pop(tuple(key), 0):
            raise DamagedLedgerError(f"frames of {_shown(db, key[0])} are missing")
    if rows:
        raise DamagedLedgerError("frames belong to no task")


def asked_is_sound(db: sqlite3.Connection) -> bool:
    """Whether the models and views asked for are as they were written."""
    query = f"SELECT value, CAST(({_ASKED}) AS TEXT) FROM meta WHERE key = ?"
    row = db.execute(query, (CHECKSUM_KEY,)).fetchone()
    return row is None or row[0] == row[1]


def unsound(db: sqlite3.Connection, table: str) -> list[tuple[int, ...]]:
    """The keys of rows that do not match their checksum, of `class`, `source` or `task`."""
    keys, sum_ = {
        "class": ("model, id", CLASS_SUM),
        "source": ("id", _SOURCE),
        "task": ("source, model, slice", TASK_SUM),
    }[table]
    # A source that was changed by hand has none.
    where = f"checksum IS NOT {sum_}" + (" AND checksum IS NOT NULL" if table == "source" else "")
    return db.execute(f"SELECT {keys} FROM {table} WHERE {where}").fetchall()


def _check_sums(db: sqlite3.Connection) -> None:
    """See `verify`, for all sources and models."""
    difference: Counter[tuple[int, int]] = Counter()
    queries = (
        f"SELECT source, model, sum(checksum - {_TASK}) FROM task GROUP BY source, model",
        f"SELECT source, model, -sum({_PREDICTION}) FROM prediction GROUP BY source, model",
        f"SELECT source, model, -sum({_LABEL}) FROM label GROUP BY source, model",
        f"SELECT source, model, -sum({_DETECTION}) FROM detection GROUP BY source, model",
    )
    for query in queries:
        for source, model, number in db.execute(query):
            if not isinstance(number, int):
                raise DamagedLedgerError(f"a task of {_shown(db, source)} has no checksum")
            difference[source, model] += number
    for pair, number in difference.items():
        if number:
            verify(db, *pair)
            raise DamagedLedgerError(f"predictions of {_shown(db, pair[0])} belong to no task")
