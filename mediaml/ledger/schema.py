"""Opens a ledger file: creates it, migrates an older version, or refuses it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from mediaml.core.errors import OutputError
from mediaml.ledger.checksums import add_functions
from mediaml.ledger.integrity import MOST_CHECKED_BYTES, UNREADABLE, DamagedLedgerError, check
from mediaml.ledger.migration import create, migrate
from mediaml.ledger.tables import FIRST_TABLES
from mediaml.ledger.trouble import ledger_error

FILE_NAME = "ledger.sqlite"
LOCK_NAME = ".lock"
"""The file that the one process locks that writes to an output folder."""
SCHEMA_VERSION = 4
BATCH_PREFIX = "batch "
"""Prefix of the keys of `meta` for the largest batch of a model on a device."""
CURRENT_PREFIX = "current "
"""Prefix of the keys of `meta` for the id of the identity last asked for, by model name."""
VIEW_PREFIX = "view "
"""Prefix of the keys of `meta` for the view last asked for, as JSON, by model name."""
DERIVED_PREFIX = "derived "
"""Prefix of the keys of `meta` for the id of the derivation last asked for, by kind and model name."""
RUN_PREFIX = "run "
"""Prefix of the keys of `meta` for a run's frames and seconds, as a JSON array, by run id."""


def connect(folder: Path, *, readonly: bool = False, checked: bool = False) -> sqlite3.Connection:
    """Open the ledger in `folder`; made when it is new, migrated when it is of an older version.

    A folder that may not be written is read as it is; an older ledger in it is migrated in a temporary copy.

    Args:
        checked: check it as a whole first, see `mediaml.ledger.integrity`.

    Raises:
        OutputError: the folder cannot be written, the file is no ledger, damaged, or of a newer version.
    """
    path = folder / FILE_NAME
    try:
        connection = _opened(path, readonly=readonly)
        try:
            add_functions(connection)
            version = _version(connection, path)
            if version < SCHEMA_VERSION:
                connection = _migrated(connection, folder)
            connection.execute("PRAGMA foreign_keys = ON")
            if checked and path.stat().st_size <= MOST_CHECKED_BYTES:
                check(connection)
            if readonly:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
    except (*UNREADABLE, msgspec.MsgspecError) as error:
        raise ledger_error(path, error) from error
    return connection


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold the output folder's lock, which the system releases when the process dies.

    A thread that holds it may take it again.

    Raises:
        OutputError: another process holds it.
    """
    lock = FileLock(folder.resolve() / LOCK_NAME, timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputError(
            f"another mediaml is writing to {folder}.", "Wait until it ends, or name another folder with -o."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _opened(path: Path, *, readonly: bool) -> sqlite3.Connection:
    if not readonly:
        connection = sqlite3.connect(path)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection
    uri = path.resolve().as_uri()
    if _is_writable(path):
        # The last connection to close removes the log and its index, which one with `mode=ro` may not do.
        return sqlite3.connect(f"{uri}?mode=rw", uri=True)
    # Without a log nothing can be under way; with `immutable` SQLite needs no index beside the file.
    alone = not path.with_name(f"{FILE_NAME}-wal").exists()
    return sqlite3.connect(f"{uri}?mode=ro{'&immutable=1' if alone else ''}", uri=True)


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def _prepare(connection: sqlite3.Connection) -> None:
    # WAL lets outputs be derived while tasks are committed; NORMAL keeps a killed process's ledger whole.
    add_functions(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        if connection.execute("PRAGMA page_count").fetchone()[0] > 1:
            raise DamagedLedgerError("its schema is missing")
        with connection:
            connection.executescript(f"BEGIN; {FIRST_TABLES}")
            create(connection)
            connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a ledger that can be read.

    Raises:
        OutputError: it is newer, or there is none.
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    if row is None or not str(row[0]).isdigit() or int(row[0]) < 1:
        raise OutputError(f"{path} is not a mediaml ledger.", "Name another folder with -o.")
    if int(row[0]) > SCHEMA_VERSION:
        raise OutputError(
            f"the ledger {path} has schema version {row[0]}, written by a newer mediaml; "
            f"this one reads up to {SCHEMA_VERSION}.",
            "Update mediaml (pip install -U mediaml), or name another folder with -o.",
        )
    return int(row[0])


def _migrated(connection: sqlite3.Connection, folder: Path) -> sqlite3.Connection:
    """A connection to the ledger in the current version: of the same file, or of a temporary copy."""
    if _is_writable(folder / FILE_NAME):
        with sole_writer(folder):
            migrate(connection)
        return connection
    copy = sqlite3.connect("")  # on disk, without a name, gone when it is closed
    with closing(connection):
        connection.backup(copy)
    migrate(copy)
    return copy
