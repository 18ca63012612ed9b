"""Why a ledger cannot be used, from what SQLite says, and what to do about that cause."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
from pathlib import Path

from mediaml.core.errors import OutputError
from mediaml.ledger.integrity import DamagedLedgerError

# SQLite makes its files page by page, 4096 bytes each, and 32 KiB for the index of its log.
_LEAST_ROOM = 64 << 10
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FORBIDDEN = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_CANTOPEN,
}
_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def ledger_error(path: Path, error: Exception, doing: str = "opened") -> OutputError:
    """The error to raise for a ledger that cannot be `doing`: opened, read or written."""
    folder = path.parent
    if isinstance(error, DamagedLedgerError | UnicodeError) or _code(error) == sqlite3.SQLITE_CORRUPT:
        return OutputError(f"the ledger {path} cannot be read: it is damaged ({error}).", repair_hint(folder))
    return OutputError(
        f"the ledger {path} cannot be {doing}: {sqlite_reason(error, folder)}.", _hint(error, folder)
    )


def repair_hint(folder: Path) -> str:
    """What to do about a damaged ledger."""
    return (
        f"`mediaml status {shlex.quote(str(folder))} --repair` keeps what is sound; "
        "the next run does the rest again."
    )


def sqlite_reason(error: Exception, folder: Path) -> str:
    """Why SQLite failed; that the disk is full where it is, which SQLite may call `disk I/O error`."""
    return f"the disk is full ({error})" if _is_full(folder) else str(error)


def is_damage(error: Exception) -> bool:
    """Whether an error means that a ledger holds something else than was written."""
    return _code(error) not in _BUSY | _FORBIDDEN | _DISK


def _hint(error: Exception, folder: Path) -> str:
    code = _code(error)
    if code == sqlite3.SQLITE_FULL or (code in _DISK | _FORBIDDEN and _is_full(folder)):
        return "Make room on that disk; what was committed is kept, and the same command continues."
    if code in _DISK:
        return "Check that disk; what was committed is kept, and the same command continues."
    if code in _BUSY:
        return "Another program has it open; close that and run again."
    if code in _FORBIDDEN:
        return "Check the permissions of the ledger and its folder, or name another folder with -o."
    return repair_hint(folder)


def _code(error: BaseException) -> int:
    """SQLite's primary result code; 0 where there is none."""
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LEAST_ROOM
    except OSError:
        return False
