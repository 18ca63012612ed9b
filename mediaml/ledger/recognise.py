"""Whether a folder is the output folder of a run, or holds pieces of other media."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from mediaml.ledger.integrity import UNREADABLE
from mediaml.ledger.schema import FILE_NAME

OWN_NAMES = re.compile(
    r"(\.lock|\.segments|\.pictures|ledger\.sqlite|(results|failures)\.jsonl|report(\.html|_files)|vectors-)",
    re.IGNORECASE,
)
"""How the names of mediaml's own files in an output folder begin."""
PIECES = ".mediaml-pieces"
"""The file by which a folder of crops, frames or clips is known; it says how many there are."""
_MAGIC = b"SQLite format 3\0"


def is_output_folder(folder: Path) -> bool:
    """Whether a folder holds a ledger of mediaml, of any schema version; false where that cannot be read.

    Nothing is written, and no file of SQLite (`-wal`, `-shm`) is left behind. A damaged database of that name
    counts as one.
    """
    path = folder / FILE_NAME
    try:
        if not path.is_file():  # a pipe must not be opened
            return False
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return False
    except OSError:
        return False
    log = path.with_name(f"{FILE_NAME}-wal")
    # Without a log no process is writing, and `immutable` keeps SQLite from creating one.
    immutable = "" if log.exists() else "&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{immutable}", uri=True)) as db:
            return db.execute("SELECT 1 FROM meta WHERE key = 'schema_version'").fetchone() is not None
    except sqlite3.OperationalError as error:
        return "no such table" not in str(error) and "no such column" not in str(error)
    except UNREADABLE:
        return True


def pieces_in(folder: Path) -> int | None:
    """How many crops, frames or clips mediaml wrote into a folder; `None` where it is no folder of these."""
    try:
        return int((folder / PIECES).read_text("ascii"))
    except (OSError, ValueError):
        return None


def has_ledger(folder: Path) -> bool:
    """Whether a folder holds a ledger that was begun, or one that cannot be read."""
    path = folder / FILE_NAME
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            return bool(tables or db.execute("PRAGMA page_count").fetchone()[0] > 1)
    except UNREADABLE:
        return True
