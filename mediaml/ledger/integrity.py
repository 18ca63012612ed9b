"""Whether a ledger is still what was written: its structure, its row counts, and checksums of its rows.

SQLite notices a damaged page only where its structure breaks, and then may leave rows out without an error.
Tasks and derived slices therefore carry checksums, see `mediaml.ledger.checksums`. Damage is raised as
`sqlite3.DatabaseError`, which who knows the folder turns into an `OutputError`.
"""

from __future__ import annotations

import sqlite3
from collections import Counter

from mediaml.ledger.checksums import (
    CLASS_SUM,
    DERIVATION_SUM,
    DERIVED_DIFFERENCE,
    DERIVED_ROW,
    DERIVED_SLICE_DIFFERENCE,
    DERIVED_SUM,
    DETECTION_ROW,
    LABEL_ROW,
    PAIR_DIFFERENCE,
    PICTURE_ROW,
    PREDICTION_ROW,
    SLICE_DIFFERENCE,
    SOURCE_SUM,
    TASK_ROW,
    TASK_SUM,
    TRACK_ROW,
)

CHECKSUM_KEY = "checksum"
"""The key in `meta` of the sum over the models, views and derivations that were asked for."""
MOST_CHECKED_BYTES = 256 << 20
"""Up to here a ledger is checked as a whole when it is opened: about 2 s per 100 MB. The rows of each file
are checked whenever they are read, however large the ledger is."""

_ASKED = (
    "SELECT coalesce(sum(crc32(key, value)), 0) FROM meta "
    "WHERE key LIKE 'current %' OR key LIKE 'view %' OR key LIKE 'derived %'"
)

UNREADABLE = (sqlite3.Error, UnicodeError)
"""What reading a damaged ledger raises; the latter where SQLite's message quotes bytes that are no text."""


class DamagedLedgerError(sqlite3.DatabaseError):
    """A ledger holds something else than was written."""


class Names(dict[int, str]):
    """The class names of a model by their numbers; an unknown number is damage."""

    def __missing__(self, number: int) -> str:
        raise DamagedLedgerError(f"class {number} has no name")


def names_of(db: sqlite3.Connection, model: int) -> Names:
    """The class names of a model, by their numbers."""
    return Names(db.execute("SELECT id, name FROM class WHERE model = ?", (model,)))


def seal_tasks(db: sqlite3.Connection, *task: int) -> None:
    """Note the checksum of one task (source, model, slice), or of all; within the caller's transaction."""
    where = " WHERE source = ? AND model = ? AND slice = ?" if task else ""
    db.execute(f"UPDATE task SET checksum = {TASK_SUM}{where}", task)


def seal_source(db: sqlite3.Connection, source: int) -> None:
    """Note the checksum of a source, within the caller's transaction."""
    db.execute(f"UPDATE source SET checksum = {SOURCE_SUM} WHERE id = ?", (source,))


def seal_derived(db: sqlite3.Connection, *derived: int) -> None:
    """Note the checksum of a derived slice (source, model, derivation, slice); see `seal_tasks`."""
    where = "source = ? AND model = ? AND derivation = ? AND slice = ?"
    db.execute(f"UPDATE derived_slice SET checksum = {DERIVED_SUM} WHERE {where}", derived)


def seal_asked(db: sqlite3.Connection) -> None:
    """Note the checksum of the models, views and derivations asked for, within the caller's transaction."""
    db.execute(f"INSERT OR REPLACE INTO meta VALUES (?, (CAST(({_ASKED}) AS TEXT)))", (CHECKSUM_KEY,))


def verify(db: sqlite3.Connection, source: int, model: int, number: int | None = None) -> None:
    """Check the rows of one source and model, or of one time slice of them.

    Raises:
        DamagedLedgerError: they are not what was written.
    """
    key = (source, model) if number is None else (source, model, number)
    row = db.execute(PAIR_DIFFERENCE if number is None else SLICE_DIFFERENCE, key).fetchone()
    if row is None:
        return
    difference, frames, found = row
    if frames != found:
        raise DamagedLedgerError(f"{found} of {frames} frames of {_shown(db, source)} can be read")
    if difference != 0:
        raise DamagedLedgerError(f"predictions of {_shown(db, source)} do not match their checksum")


def asked_derivation(db: sqlite3.Connection, kind: str, model: int) -> int | None:
    """The id of the derivation that was asked for last of a model; `None` where none was."""
    row = db.execute(
        "SELECT meta.value FROM model JOIN meta ON meta.key = 'derived ' || ? || ' ' || model.name "
        "WHERE model.id = ?",
        (kind, model),
    ).fetchone()
    if row is None:
        return None
    if not str(row[0]).isdigit():
        raise DamagedLedgerError("the derivation asked for is not a number")
    return int(row[0])


def verify_derived(
    db: sqlite3.Connection, source: int, model: int, derivation: int, number: int | None = None
) -> None:
    """Check what a derivation added to one source and model, or to one time slice of them.

    Raises:
        DamagedLedgerError: the rows are not what was written.
    """
    key = (source, model, derivation)
    if number is None:
        row = db.execute(DERIVED_DIFFERENCE, key).fetchone()
    else:
        row = db.execute(DERIVED_SLICE_DIFFERENCE, (*key, number)).fetchone()
    if row is not None and row[0] != 0:
        raise DamagedLedgerError(f"what was derived for {_shown(db, source)} does not match its checksum")


def _shown(db: sqlite3.Connection, source: int) -> str:
    row = db.execute("SELECT shown FROM source WHERE id = ?", (source,)).fetchone()
    return str(row[0]) if row else f"source {source}"


def check(db: sqlite3.Connection, *, derived: bool = True) -> None:
    """Check a whole ledger of the current schema version.

    Args:
        derived: it has the tables of derivations, which came with schema version 3.

    Raises:
        sqlite3.DatabaseError: it is damaged; the message says where.
    """
    check_structure(db)
    # The tables with an index, which the first check does not compare with its table.
    for table in ("source", "model", "artifact", "prediction"):
        check_structure(db, "integrity_check", table)
    for table in ("task", "class", "artifact", "picture_file"):
        broken = db.execute(f"PRAGMA foreign_key_check({table})").fetchone()
        if broken:
            raise DamagedLedgerError(f"a row of {table} refers to a missing row of {broken[2]}")
    if not asked_is_sound(db):
        raise DamagedLedgerError("the models asked for do not match their checksum")
    for table in ("class", "source"):
        if unsound(db, table):
            raise DamagedLedgerError(f"a row of {table} does not match its checksum")
    check_sums(db)
    if derived:
        _check_derived(db)


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
    """The keys of rows that do not match their checksum, of a table that has one."""
    keys, sum_ = {
        "class": ("model, id", CLASS_SUM),
        "source": ("id", SOURCE_SUM),
        "task": ("source, model, slice", TASK_SUM),
        "derivation": ("id", DERIVATION_SUM),
        "derived_slice": ("source, model, derivation, slice", DERIVED_SUM),
    }[table]
    # A source that was changed by hand has none.
    where = f"checksum IS NOT {sum_}" + (" AND checksum IS NOT NULL" if table == "source" else "")
    return db.execute(f"SELECT {keys} FROM {table} WHERE {where}").fetchall()


def check_sums(db: sqlite3.Connection) -> None:
    """Check the rows of all sources and models, in one pass over each table; see `verify`.

    Raises:
        sqlite3.DatabaseError: they are not what was written.
    """
    difference: Counter[tuple[int, int]] = Counter()
    queries = (
        f"SELECT source, model, sum(checksum - {TASK_ROW}) FROM task GROUP BY source, model",
        f"SELECT source, model, -sum({PREDICTION_ROW}) FROM prediction GROUP BY source, model",
        f"SELECT source, model, -sum({LABEL_ROW}) FROM label GROUP BY source, model",
        f"SELECT source, model, -sum({DETECTION_ROW}) FROM detection GROUP BY source, model",
        f"SELECT source, model, -sum({PICTURE_ROW}) FROM picture_file GROUP BY source, model",
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


def _check_derived(db: sqlite3.Connection) -> None:
    """See `verify_derived`, for all sources, models and derivations."""
    check_structure(db, "integrity_check", "derivation")
    for table in ("derived_slice", "track"):
        broken = db.execute(f"PRAGMA foreign_key_check({table})").fetchone()
        if broken:
            raise DamagedLedgerError(f"a row of {table} refers to a missing row of {broken[2]}")
    if unsound(db, "derivation"):
        raise DamagedLedgerError("a row of derivation does not match its checksum")
    difference: Counter[tuple[int, int, int]] = Counter()
    key = "source, model, derivation"
    for query in (
        f"SELECT {key}, sum(checksum - {DERIVED_ROW}) FROM derived_slice GROUP BY {key}",
        f"SELECT {key}, -sum({TRACK_ROW}) FROM track GROUP BY {key}",
    ):
        for source, model, derivation, number in db.execute(query):
            if not isinstance(number, int):
                raise DamagedLedgerError(f"a derived slice of {_shown(db, source)} has no checksum")
            difference[source, model, derivation] += number
    for (source, *_), number in difference.items():
        if number:
            raise DamagedLedgerError(f"what was derived for {_shown(db, source)} does not match its checksum")
