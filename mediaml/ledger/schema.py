"""The ledger's tables, and how a ledger file is opened."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from mediaml.core.errors import OutputError

FILE_NAME = "ledger.sqlite"
SCHEMA_VERSION = 1
BATCH_PREFIX = "batch "
"""What the keys of `meta` begin with that hold the largest batch of a model on a device."""
CURRENT_PREFIX = "current "
"""What the keys of `meta` begin with that tell, by a model's name, the id of the version last asked for."""
RUN_PREFIX = "run "
"""What the keys of `meta` begin with that tell, by a run's id, its frames and seconds as a JSON array."""

# SQLite makes its files page by page, 4096 bytes each, and 32 KiB for the index of its log.
_LEAST_ROOM = 64 << 10

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE run (
  id INTEGER PRIMARY KEY, started_at TEXT NOT NULL, finished_at TEXT, header TEXT NOT NULL
);
CREATE TABLE model (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, task TEXT NOT NULL, plugin TEXT NOT NULL,
  distribution TEXT NOT NULL, version TEXT NOT NULL, weights TEXT NOT NULL,
  weights_sha256 TEXT NOT NULL, options TEXT NOT NULL,
  UNIQUE (name, plugin, distribution, version, weights_sha256, options)
);
CREATE TABLE source (
  id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, shown TEXT NOT NULL, name TEXT NOT NULL UNIQUE,
  position INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL,
  kind TEXT, info TEXT
);
CREATE TABLE task (
  source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  model INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
  slice INTEGER NOT NULL, frames INTEGER NOT NULL, last INTEGER NOT NULL,
  stage TEXT, error TEXT, message TEXT,
  expected INTEGER, decoded INTEGER NOT NULL, corrupt INTEGER NOT NULL, gaps INTEGER NOT NULL,
  PRIMARY KEY (source, model, slice)
) WITHOUT ROWID;
CREATE TABLE answer (
  source INTEGER NOT NULL, model INTEGER NOT NULL, frame INTEGER NOT NULL, slice INTEGER NOT NULL,
  time_s REAL NOT NULL, duration_s REAL NOT NULL, labels TEXT NOT NULL, detections TEXT NOT NULL,
  embedding BLOB, picture BLOB,
  PRIMARY KEY (source, model, frame),
  FOREIGN KEY (source, model, slice) REFERENCES task (source, model, slice) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX answer_task ON answer (source, model, slice);
CREATE TABLE artifact (
  source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  kind TEXT NOT NULL, path TEXT NOT NULL UNIQUE, done INTEGER NOT NULL, error TEXT, message TEXT,
  PRIMARY KEY (source, kind)
) WITHOUT ROWID;
"""


def connect(folder: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """Open the ledger in `folder`; made when it is new.

    Raises:
        OutputError: the folder cannot be written, the file is no ledger, or of another schema version.
    """
    path = folder / FILE_NAME
    try:
        connection = (
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            if readonly
            else sqlite3.connect(path)
        )
        connection.execute("PRAGMA foreign_keys = ON")
        if not readonly:
            _prepare(connection)
        _check_version(connection, path)
    except sqlite3.Error as error:
        raise OutputError(
            f"the ledger {path} cannot be opened: {reason_of(error, folder)}.",
            "Make room on that disk if it is full, or name another folder with -o.",
        ) from error
    return connection


def reason_of(error: sqlite3.Error, folder: Path) -> str:
    """Why SQLite failed; that the disk is full where it is, which SQLite may call `disk I/O error`."""
    try:
        full = shutil.disk_usage(folder).free < _LEAST_ROOM
    except OSError:
        full = False
    return f"the disk is full ({error})" if full else str(error)


def _prepare(connection: sqlite3.Connection) -> None:
    # WAL lets outputs be derived while tasks are committed; NORMAL keeps a killed process's ledger whole.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        with connection:
            connection.executescript(f"BEGIN; {_TABLES}")
            connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    if row is None or row[0] != str(SCHEMA_VERSION):
        found = row[0] if row else "none"
        raise OutputError(
            f"the ledger {path} has schema version {found}; this mediaml reads version {SCHEMA_VERSION}.",
            "Name another folder with -o, or use the mediaml that wrote it.",
        )
