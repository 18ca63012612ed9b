"""Names that are taken in a column whose values differ by more than letter case."""

from __future__ import annotations

import sqlite3
from pathlib import PurePosixPath


class FreeNames:
    """Gives out names that are still free. They are read once: a query for each would pass over all of them.

    Args:
        table, column: where they are; used from one thread, by the only writer.
    """

    def __init__(self, db: sqlite3.Connection, table: str, column: str) -> None:
        self._db = db
        self._query = f"SELECT {column} FROM {table}"
        self._taken: set[bytes] | None = None

    def forget(self) -> None:
        """Read them again when they are next asked for: a transaction was rolled back, or rows are gone."""
        self._taken = None

    def take(self, wanted: str) -> str:
        """`wanted`, or `wanted` with a number before its suffix where that is taken."""
        if self._taken is None:
            self._taken = {_folded(row[0]) for row in self._db.execute(self._query)}
        pure = PurePosixPath(wanted)
        candidate, number = wanted, 1
        while _folded(candidate) in self._taken:
            number += 1
            candidate = str(pure.with_name(f"{pure.stem}~{number}{pure.suffix}"))
        self._taken.add(_folded(candidate))
        return candidate


def _folded(name: str) -> bytes:
    """A name without the case of ASCII letters, as SQLite's NOCASE compares."""
    return name.encode("utf-8", "surrogatepass").lower()
