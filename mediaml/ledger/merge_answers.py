"""What one model said of one source, in two ledgers: which is further, whether they agree, and copying it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any

from mediaml.core.atomic_file import atomic_path
from mediaml.core.picture_file import file_name
from mediaml.ledger.integrity import seal_derived, seal_tasks, verify, verify_derived
from mediaml.ledger.pictures import picture_files
from mediaml.ledger.task_progress import task_progress
from mediaml.media.picture_reader import is_there

_PREDICTIONS = {
    "task": "slice",
    "prediction": "frame",
    "label": "frame, n",
    "detection": "frame, n",
    "picture_file": "slice, part",
}
"""The tables of predictions, each after those that its rows refer to, and the order of its rows."""
_DERIVED = {"derived_slice": "slice", "track": "frame, n"}
TABLES = (*_PREDICTIONS, *_DERIVED, "model", "run", "source", "derivation")
"""The tables that are taken over."""
_PAIR = "source = ? AND model = ?"

Numbers = dict[int, int]
"""Ids of the other ledger to those of this one."""
Standing = tuple[int, int]
"""How far an answer is: 0 for none, 1 failed, 2 under way, 3 whole; and its number of slices."""


@dataclass(frozen=True, slots=True)
class Translation:
    """From the other ledger to this one.

    Attributes:
        columns: of each table, see `columns`.
        models, derivations: ids. classes: numbers of classes, by the id of the model in the other ledger.
    """

    columns: dict[str, list[str]]
    models: Numbers = field(default_factory=dict)
    derivations: Numbers = field(default_factory=dict)
    classes: dict[int, Numbers] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """What one model said of one source.

    Attributes:
        other, db: the other ledger, and this one, which is written within the caller's transaction.
        there, here: ids of source and model in each.
        into: how they are translated.
        folders: the output folder of each.
    """

    other: sqlite3.Connection
    db: sqlite3.Connection
    there: tuple[int, int]
    here: tuple[int, int]
    into: Translation
    folders: tuple[Path, Path]

    def are_further(self) -> bool:
        """Whether the other ledger has more of them."""
        return _standing(self.other, self.there) > _standing(self.db, self.here)

    def contradict(self) -> bool:
        """Whether both ledgers have all of them, and they differ."""
        if not _standing(self.other, self.there)[0] == _standing(self.db, self.here)[0] == 3:
            return False
        return any(
            given != own
            for table in _PREDICTIONS
            for given, own in zip_longest(self._translated(table), self._own(table))
        )

    def copy(self) -> None:
        """Replace what is here by what the other ledger has.

        Raises:
            sqlite3.DatabaseError: the rows there are damaged.
            OutputError: a file of pictures cannot be copied.
        """
        verify(self.other, *self.there)
        self._copy_pictures()
        self.db.execute("DELETE FROM task WHERE source = ? AND model = ?", self.here)
        for table in _PREDICTIONS:
            self._insert(table)
        for (number,) in self.db.execute(f"SELECT slice FROM task WHERE {_PAIR}", self.here).fetchall():
            seal_tasks(self.db, *self.here, number)
        self._copy_derived()

    def _copy_pictures(self) -> None:
        """Copy the files of pictures; the next run makes what is missing."""
        there, here = self.folders
        for file in picture_files(self.other, *self.there):
            if is_there(there, file):
                with atomic_path(here / self._file_name(file.name)) as part:
                    shutil.copyfile(there / file.name, part)

    def _file_name(self, name: str) -> str:
        """The name here of a file of pictures there."""
        return file_name(*self.here, PurePosixPath(name).name)

    def _copy_derived(self) -> None:
        query = f"SELECT DISTINCT derivation FROM derived_slice WHERE {_PAIR}"
        for (derivation,) in self.other.execute(query, self.there).fetchall():
            verify_derived(self.other, *self.there, derivation)
        for table in _DERIVED:
            self._insert(table)
        chains = self.db.execute(f"SELECT derivation, slice FROM derived_slice WHERE {_PAIR}", self.here)
        for derivation, number in chains.fetchall():
            seal_derived(self.db, *self.here, derivation, number)

    def _insert(self, table: str) -> None:
        names = self.into.columns[table]
        marks = ", ".join("?" * len(names))
        insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
        self.db.executemany(insert, self._translated(table))

    def _translated(self, table: str) -> Iterator[tuple[Any, ...]]:
        """The rows of the other ledger, with the ids of this one."""
        names = self.into.columns[table]
        here = dict(zip(("source", "model"), self.here, strict=True))
        by_name = {"class": self.into.classes[self.there[1]], "derivation": self.into.derivations}
        maps = [(place, by_name[name]) for place, name in enumerate(names) if name in by_name]
        fixed = [(place, here[name]) for place, name in enumerate(names) if name in here]
        for row in _rows(self.other, table, self.there, names):
            values = list(row)
            for place, value in fixed:
                values[place] = value
            for place, numbers in maps:
                values[place] = numbers[values[place]]
            if table == "picture_file":
                place = names.index("name")
                values[place] = self._file_name(values[place])
            yield tuple(values)

    def _own(self, table: str) -> Iterator[tuple[Any, ...]]:
        return _rows(self.db, table, self.here, self.into.columns[table])


def columns(db: sqlite3.Connection, table: str) -> list[str]:
    """The names of a table's columns, in order; not of checksums, which hold for one ledger only."""
    rows = db.execute(f"PRAGMA table_info({table})")
    return [row[1] for row in rows if row[1] != "checksum"]


def _rows(
    db: sqlite3.Connection, table: str, pair: tuple[int, int], names: list[str]
) -> Iterator[tuple[Any, ...]]:
    order = {**_PREDICTIONS, **_DERIVED}[table]
    return db.execute(f"SELECT {', '.join(names)} FROM {table} WHERE {_PAIR} ORDER BY {order}", pair)


def _standing(db: sqlite3.Connection, pair: tuple[int, int]) -> Standing:
    progress = task_progress(db, *pair)
    slices = db.execute(f"SELECT count(*) FROM task WHERE {_PAIR}", pair).fetchone()[0]
    if progress.failure is not None:
        return 1, slices
    return (3 if progress.complete else 2 if slices else 0), slices
