"""What is sound of a damaged ledger, copied row by row into a new one: for `mediaml status --repair`.

A row counts only where it can be read and its checksum holds; a ledger of schema version 1, which has none,
is judged by its types, indexes and counts. What follows an unsound slice of a source is dropped as well, for
a run continues after the last slice that it finds.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from mediaml.core.errors import OutputError
from mediaml.ledger.checksums import add_functions
from mediaml.ledger.integrity import (
    CHECKSUM_KEY,
    UNREADABLE,
    DamagedLedgerError,
    asked_is_sound,
    check,
    check_first,
    check_structure,
    seal_asked,
    unsound,
)
from mediaml.ledger.migration import create, execute, migrate
from mediaml.ledger.pictures import drop_lost
from mediaml.ledger.salvage import FIRST_ANSWER, copy_answers, copy_derived, copy_rows, is_confirmed
from mediaml.ledger.schema import (
    CURRENT_PREFIX,
    DERIVED_PREFIX,
    FILE_NAME,
    SCHEMA_VERSION,
    VIEW_PREFIX,
    sole_writer,
)
from mediaml.ledger.tables import FIRST_TABLES, FOURTH_COLUMNS, FOURTH_TABLES
from mediaml.ledger.trouble import is_damage, ledger_error

_PREDICTIONS = ("prediction", "label", "detection")


@dataclass(frozen=True, slots=True)
class Repaired:
    """What came of a repair.

    Attributes:
        problem: what was damaged; empty where the ledger is sound, and was left as it is.
        kept: number of tasks that are in the new ledger. A task is a file's time slice and a model.
        dropped: number of tasks that could be listed, but have to be done again.
        damaged: where the damaged ledger is now; `None` where there was none.
        lost: number of tasks that have to be done again as their pictures are missing or damaged.
    """

    problem: str
    kept: int = 0
    dropped: int = 0
    damaged: Path | None = None
    lost: int = 0


def repair(folder: Path) -> Repaired:
    """Replace a damaged ledger by one that holds what is sound of it; the damaged one is kept beside it.

    Then drop the tasks whose pictures, which are in files of their own, are missing or damaged.

    Raises:
        OutputError: another process is writing to the folder, it cannot be written, or holds no ledger.
    """
    path = folder / FILE_NAME
    part = path.with_name(f"{FILE_NAME}.part")
    with sole_writer(folder):
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as old:
                add_functions(old)
                problem = _problem(old, path)
                if not problem:
                    return Repaired("", lost=_drop_lost(old, folder))
                part.unlink(missing_ok=True)
                with closing(sqlite3.connect(part)) as new:
                    listed = _fill(old, new)
                    kept = int(new.execute("SELECT count(*) FROM task").fetchone()[0])
            damaged = _swap(path, part)
            with closing(sqlite3.connect(path)) as swapped:
                lost = _drop_lost(swapped, folder)
        except UNREADABLE as error:
            raise ledger_error(path, error, "repaired") from error
        except OSError as error:
            raise OutputError(
                f"the ledger {path} cannot be repaired: {error.strerror}.",
                f"Check the permissions of {folder} and the room on its disk.",
            ) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return Repaired(problem, kept - lost, max(0, listed - kept), damaged, lost)


def _drop_lost(db: sqlite3.Connection, folder: Path) -> int:
    """See `drop_lost`; ledgers before version 4 have no files of pictures."""
    version = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    if version[0] != str(SCHEMA_VERSION):
        return 0
    db.execute("PRAGMA foreign_keys = ON")
    add_functions(db)
    return drop_lost(db, folder)


def _problem(db: sqlite3.Connection, path: Path) -> str:
    """What is damaged; empty where nothing is.

    Raises:
        OutputError: it is no ledger, or of a newer version.
        sqlite3.Error: it cannot be opened for another reason than damage.
    """
    try:
        version = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        if version and str(version[0]).isdigit() and int(version[0]) > SCHEMA_VERSION:
            check_structure(db)
            raise OutputError(f"the ledger {path} was written by a newer mediaml.", "Update mediaml.")
        if version is None:
            raise DamagedLedgerError("its schema version is missing")
        if version[0] == "1":
            check_first(db)
        else:
            if version[0] != str(SCHEMA_VERSION):
                # What came with version 4, within a transaction that is never committed.
                db.execute("BEGIN IMMEDIATE")
                execute(db, f"{FOURTH_COLUMNS}{FOURTH_TABLES}")
            check(db, derived=version[0] != "2")
    except UNREADABLE as error:
        if not is_damage(error):
            raise
        return str(error)
    return ""


def _fill(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Copy what is sound; returns how many tasks could be listed."""
    first = _is_first(old)
    add_functions(new)
    new.executescript(f"BEGIN; {FIRST_TABLES} {FIRST_ANSWER if first else ''}")
    if not first:
        create(new)
    for table, key in (("meta", "key"), ("run", "id"), ("model", "id"), ("source", "id")):
        copy_rows(old, new, table, key)
    _keep_asked(old, new, first=first)
    _keep_confirmed(old, new, first=first)
    if not first:
        for table in ("class", "clip_model"):
            copy_rows(old, new, table, "model", _ids(new, "model"))
            new.execute(f"DELETE FROM {table} WHERE model NOT IN (SELECT id FROM model)")
        new.executemany("DELETE FROM class WHERE model = ? AND id = ?", unsound(new, "class"))
    if _is_whole(old, "artifact"):
        copy_rows(old, new, "artifact", "source")
    copy_rows(old, new, "task", "source", _ids(new, "source"))
    listed = int(new.execute("SELECT count(*) FROM task").fetchone()[0])
    new.execute(
        "DELETE FROM task WHERE source NOT IN (SELECT id FROM source) OR model NOT IN (SELECT id FROM model)"
    )
    new.execute("DELETE FROM artifact WHERE source NOT IN (SELECT id FROM source)")
    pairs = new.execute("SELECT DISTINCT source, model FROM task").fetchall()
    tables = ("answer",) if first else _PREDICTIONS
    for pair in pairs:
        copy_answers(old, new, tables, pair)
    if not first:
        copy_rows(old, new, "picture_file", "source", _ids(new, "source"))
    _drop_unsound(new, first=first, gaps=not _is_whole(old, "task"))
    if not first:
        copy_derived(old, new)
    new.commit()
    if first:
        migrate(new)
    check(new)
    return listed


def _is_first(old: sqlite3.Connection) -> bool:
    """Whether a ledger is of schema version 1, as its tables tell."""
    try:
        return bool(old.execute("SELECT 1 FROM sqlite_master WHERE name = 'answer'").fetchone())
    except UNREADABLE:
        return False


def _is_whole(old: sqlite3.Connection, table: str) -> bool:
    try:
        check_structure(old, "integrity_check", table)
    except UNREADABLE:
        return False
    return True


def _ids(new: sqlite3.Connection, table: str) -> list[int]:
    return [row[0] for row in new.execute(f"SELECT id FROM {table}")]


def _keep_asked(old: sqlite3.Connection, new: sqlite3.Connection, *, first: bool) -> None:
    """Keep what was asked for where it is sound; the next run asks again."""
    try:
        sound = first or asked_is_sound(old)
    except UNREADABLE:
        sound = False
    version = "1" if first else str(SCHEMA_VERSION)
    new.execute("DELETE FROM meta WHERE key IN ('schema_version', ?)", (CHECKSUM_KEY,))
    new.execute("INSERT INTO meta VALUES ('schema_version', ?)", (version,))
    if not sound:
        for prefix in (CURRENT_PREFIX, VIEW_PREFIX, DERIVED_PREFIX):
            new.execute("DELETE FROM meta WHERE key LIKE ?", (f"{prefix}%",))
    if not first:
        seal_asked(new)


def _keep_confirmed(old: sqlite3.Connection, new: sqlite3.Connection, *, first: bool) -> None:
    """Drop models and sources that an index contradicts, or whose checksum does not hold."""
    identity = ("name", "plugin", "distribution", "version", "weights_sha256", "options")
    wanted: list[tuple[str, tuple[tuple[str, ...], ...]]] = [("model", (identity,))]
    if first:
        wanted.append(("source", (("path",), ("name",))))
    else:
        new.executemany("DELETE FROM source WHERE id = ?", unsound(new, "source"))
    for table, indexes in wanted:
        for id_ in _ids(new, table):
            if not is_confirmed(old, new, table, id_, indexes):
                new.execute(f"DELETE FROM {table} WHERE id = ?", (id_,))


def _drop_unsound(new: sqlite3.Connection, *, first: bool, gaps: bool) -> None:
    """Drop tasks from the first one of each source and model that is not what was written."""
    answers = "answer" if first else "prediction"
    orphans = (
        f"SELECT source, model, min(slice) FROM {answers} WHERE NOT EXISTS (SELECT 1 FROM task WHERE "
        f"task.source = {answers}.source AND task.model = {answers}.model AND task.slice = {answers}.slice) "
        "GROUP BY source, model"
    )
    bad: list[tuple[int, ...]] = list(new.execute(orphans))
    if first:
        bad += new.execute(
            "SELECT source, model, slice FROM task WHERE typeof(frames) != 'integer' "
            "OR typeof(last) != 'integer' OR typeof(stage) NOT IN ('null', 'text') OR frames != (SELECT "
            "count(*) FROM answer WHERE source = task.source AND model = task.model AND slice = task.slice)"
        ).fetchall()
    else:
        bad += unsound(new, "task")
        for table in ("label", "detection"):
            bad += new.execute(
                f"SELECT DISTINCT source, {table}.model, 0 FROM {table} LEFT JOIN class "
                f"ON class.model = {table}.model AND class.id = {table}.class WHERE class.id IS NULL"
            ).fetchall()
    if gaps:
        bad += _gaps(new.execute("SELECT source, model, slice FROM task ORDER BY source, model, slice"))
    new.executemany("DELETE FROM task WHERE source = ? AND model = ? AND slice >= ?", bad)
    if bad:
        new.executemany("UPDATE artifact SET done = 0 WHERE source = ?", [row[:1] for row in bad])
    for table in (answers,) if first else (answers, "picture_file"):
        new.execute(
            f"DELETE FROM {table} WHERE (source, model, slice) NOT IN (SELECT source, model, slice FROM task)"
        )
    for table in () if first else ("label", "detection"):
        new.execute(
            f"DELETE FROM {table} WHERE (source, model, frame) NOT IN "
            "(SELECT source, model, frame FROM prediction)"
        )


def _gaps(keys: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """By source and model, the first slice that is missing: rows of the table of tasks were lost."""
    following: dict[tuple[int, int], int] = {}
    gaps = []
    for source, model, slice_ in keys:
        wanted = following.setdefault((source, model), 0)
        if slice_ != wanted:
            gaps.append((source, model, wanted))
        following[source, model] = slice_ + 1
    return gaps


def _swap(path: Path, part: Path) -> Path:
    """Put the new ledger in the place of the damaged one; returns where that is kept."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    damaged, number = path.with_name(f"{FILE_NAME}.damaged"), 1
    while damaged.exists():
        number += 1
        damaged = path.with_name(f"{FILE_NAME}.damaged{number}")
    try:
        damaged.hardlink_to(path)  # at no moment is there no ledger
    except OSError:
        shutil.copy2(path, damaged)
    for suffix in ("-wal", "-shm"):
        log = path.with_name(f"{FILE_NAME}{suffix}")
        if log.exists():
            log.replace(damaged.with_name(f"{damaged.name}{suffix}"))
    part.replace(path)
    return damaged
