"""Takes over what another ledger holds, for `mediaml merge`.

Ids differ from ledger to ledger: models are matched by their identity, sources by their path, classes by
their names, derivations by what they were asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediaml.ledger.free_names import FreeNames
from mediaml.ledger.integrity import names_of, seal_asked, seal_source
from mediaml.ledger.merge_answers import TABLES, Answers, Translation, columns
from mediaml.ledger.rows import Classes, note_clips
from mediaml.ledger.schema import CURRENT_PREFIX, DERIVED_PREFIX, RUN_PREFIX, VIEW_PREFIX
from mediaml.ledger.task_progress import IDENTITY, same_lineage

_ASKED_OTHERWISE = {
    CURRENT_PREFIX: "asked for with other weights or options; those asked for first are shown, all are kept",
    VIEW_PREFIX: "asked for with another selection (conf, classes, ...); the first is shown",
    DERIVED_PREFIX: "tracked with other options; the first are shown, all are kept",
}


_GROUP = 100
"""Sources per transaction."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two ledgers do not agree; what is kept is said.

    Attributes:
        source: as it was named; empty where it concerns no single source.
        model: name of the model; empty where it concerns none.
        message: what differs, and what is kept.
    """

    source: str
    model: str
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.source, self.model, self.message)))


@dataclass(slots=True)
class Taken:
    """What was taken over from one ledger.

    Attributes:
        sources: number of sources in it. added: of those that were not known before.
        answers: number of pairs of source and model whose predictions were taken over.
        copies: number of annotated copies that stay where they are. conflicts: see `Conflict`.
    """

    sources: int = 0
    added: int = 0
    answers: int = 0
    copies: int = 0
    conflicts: list[Conflict] = field(default_factory=list)


class LedgerMerge:
    """Copies other ledgers into one that is open for writing, some sources per transaction.

    A process that dies leaves a ledger that is whole as far as it goes; the same merge completes it.

    Args:
        transaction: commits what is written within it, or nothing.
        free_names: those of sources.
        folder: the output folder of the ledger.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        transaction: Callable[[], AbstractContextManager[None]],
        classes: Classes,
        free_names: FreeNames,
        folder: Path,
    ) -> None:
        self._db = db
        self._folder = folder
        self._transaction = transaction
        self._classes = classes
        self._free_names = free_names

    def take(self, other: sqlite3.Connection, folder: Path) -> Taken:
        """Take over what another ledger holds; repeated, it changes nothing.

        Of what both hold, what is further on is kept: a whole answer before one under way, and that before a
        failure. Where both are whole and differ, the one that is here is kept, and a conflict is noted.

        Args:
            other: of the current schema version, in a transaction, so that it does not change meanwhile.
            folder: its output folder, of which the pictures of answers are copied.

        Raises:
            sqlite3.DatabaseError: the other ledger is damaged.
            OutputError: this one, or a file of pictures, cannot be written.
        """
        taken = Taken(copies=other.execute("SELECT count(*) FROM artifact WHERE done").fetchone()[0])
        self._classes.forget()
        with self._transaction():
            into = self._match(other)
            self._take_runs(other)
            taken.conflicts += self._take_asked(other, into)
        sources = [row[0] for row in other.execute("SELECT id FROM source ORDER BY position")]
        for start in range(0, len(sources), _GROUP):
            with self._transaction():
                for source in sources[start : start + _GROUP]:
                    self._take_source(other, source, into, taken, folder)
        return taken

    def order(self, key: Callable[[str], Any]) -> None:
        """Give all sources new places, by a key of their names as the user typed them."""
        rows = self._db.execute("SELECT id, shown FROM source").fetchall()
        rows.sort(key=lambda row: key(row[1]))
        with self._transaction():
            places = [(place, id_) for place, (id_, _) in enumerate(rows, 1)]
            self._db.executemany("UPDATE source SET position = ? WHERE id = ?", places)

    def _match(self, other: sqlite3.Connection) -> Translation:
        """Find or add the models, their classes and the derivations of the other ledger."""
        into = Translation({table: columns(self._db, table) for table in TABLES})
        for number in [row[0] for row in other.execute("SELECT id FROM model ORDER BY id")]:
            here = into.models[number] = self._matched(other, "model", number, (*IDENTITY,))
            names = names_of(other, number)
            self._classes.note(here, [names[one] for one in sorted(names)])
            clip = other.execute("SELECT frames FROM clip_model WHERE model = ?", (number,)).fetchone()
            if clip is not None:
                note_clips(self._db, here, *clip)
            into.classes[number] = dict(zip(names, self._classes.numbers(here, names.values()), strict=True))
        for number in [row[0] for row in other.execute("SELECT id FROM derivation ORDER BY id")]:
            key = ("kind", "options", "version")
            here = into.derivations[number] = self._matched(other, "derivation", number, key)
            sum_ = "UPDATE derivation SET checksum = crc32(id, kind, options, version) WHERE id = ?"
            self._db.execute(sum_, (here,))
        return into

    def _matched(self, other: sqlite3.Connection, table: str, number: int, key: Sequence[str]) -> int:
        """The id of a row that has the same `key`, copied where there is none."""
        row = other.execute(f"SELECT {', '.join(key)} FROM {table} WHERE id = ?", (number,)).fetchone()
        where = " AND ".join(f"{column} = ?" for column in key)
        known = self._db.execute(f"SELECT id FROM {table} WHERE {where}", row).fetchone()
        return int(known[0]) if known else self._copy_one(other, table, number, {})

    def _copy_one(self, other: sqlite3.Connection, table: str, number: int, changed: dict[str, Any]) -> int:
        """Copy a row that has an `id`, with a new id; returns that."""
        names = [name for name in columns(self._db, table) if name != "id"]
        row = other.execute(f"SELECT {', '.join(names)} FROM {table} WHERE id = ?", (number,)).fetchone()
        values = [changed.get(name, value) for name, value in zip(names, row, strict=True)]
        marks = ", ".join("?" * len(names))
        added = self._db.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values)
        return int(added.lastrowid or 0)

    def _take_runs(self, other: sqlite3.Connection) -> None:
        rows = other.execute(
            "SELECT run.id, started_at, finished_at, header, value FROM run "
            "LEFT JOIN meta ON key = ? || run.id ORDER BY run.id",
            (RUN_PREFIX,),
        )
        for number, *run, count in rows.fetchall():
            known = "SELECT 1 FROM run WHERE started_at = ? AND finished_at IS ? AND header = ?"
            if self._db.execute(known, run).fetchone():
                continue
            here = self._copy_one(other, "run", number, {})
            if count is not None:
                self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"{RUN_PREFIX}{here}", count))

    def _take_asked(self, other: sqlite3.Connection, into: Translation) -> list[Conflict]:
        """Show what the other ledger shows, where nothing was asked for of a model here."""
        conflicts = []
        marks = {CURRENT_PREFIX: into.models, VIEW_PREFIX: None, DERIVED_PREFIX: into.derivations}
        for prefix, numbers in marks.items():
            query = "SELECT key, value FROM meta WHERE key LIKE ? ORDER BY key"
            for key, value in other.execute(query, (f"{prefix}%",)).fetchall():
                asked = value if numbers is None else str(numbers[int(value)])
                here = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
                if here is None:
                    self._db.execute("INSERT INTO meta VALUES (?, ?)", (key, asked))
                elif here[0] != asked and not (prefix == CURRENT_PREFIX and self._alike(here[0], asked)):
                    conflicts.append(Conflict("", key.split()[-1], _ASKED_OTHERWISE[prefix]))
        seal_asked(self._db)
        return conflicts

    def _alike(self, model: str, other: str) -> bool:
        """Whether two models differ in their version at most."""
        query = (
            "SELECT 1 FROM model AS this, model AS other "
            f"WHERE this.id = ? AND other.id = ? AND {same_lineage()}"
        )
        return self._db.execute(query, (int(model), int(other))).fetchone() is not None

    def _take_source(
        self, other: sqlite3.Connection, number: int, into: Translation, taken: Taken, folder: Path
    ) -> None:
        taken.sources += 1
        here = self._source(other, number, taken)
        if here is None:
            return
        query = "SELECT DISTINCT model, name FROM task JOIN model ON model.id = model WHERE source = ?"
        for model, name in other.execute(query, (number,)).fetchall():
            pair, folders = (here, into.models[model]), (folder, self._folder)
            answers = Answers(other, self._db, (number, model), pair, into, folders)
            if answers.are_further():
                answers.copy()
                taken.answers += 1
            elif answers.contradict():
                message = "the answers differ; those that were there first are kept"
                taken.conflicts.append(Conflict(_shown(other, number), name, message))

    def _source(self, other: sqlite3.Connection, number: int, taken: Taken) -> int | None:
        """The id of a source here; `None` where the other ledger read an older state of the file."""
        state = "SELECT id, size, mtime_ns, digest, kind FROM source WHERE"
        path, name = other.execute("SELECT path, name FROM source WHERE id = ?", (number,)).fetchone()
        given = other.execute(f"{state} id = ?", (number,)).fetchone()
        own = self._db.execute(f"{state} path = ?", (path,)).fetchone()
        if own is None:
            taken.added += 1
            free = self._free_names.take(name)
            here = self._copy_one(other, "source", number, {"name": free})
            seal_source(self._db, here)
            return here
        same = given[3] == own[3] if given[3] and own[3] else given[1:3] == own[1:3]
        if not same:
            message = "the file changed between the runs; only the answers to its latest state are kept"
            taken.conflicts.append(Conflict(_shown(other, number), "", message))
            if given[2] < own[2]:
                return None
            self._db.execute("DELETE FROM task WHERE source = ?", own[:1])
            self._db.execute("DELETE FROM artifact WHERE source = ?", own[:1])
        if not same or (own[4] is None and given[4] is not None):
            self._renew(other, number, own[0])
        return int(own[0])

    def _renew(self, other: sqlite3.Connection, number: int, here: int) -> None:
        """Give a source the facts that the other ledger has of it."""
        facts = [one for one in columns(self._db, "source") if one not in ("id", "path", "name", "position")]
        row = other.execute(f"SELECT {', '.join(facts)} FROM source WHERE id = ?", (number,)).fetchone()
        assigned = ", ".join(f"{one} = ?" for one in facts)
        self._db.execute(f"UPDATE source SET {assigned} WHERE id = ?", (*row, here))
        seal_source(self._db, here)


def _shown(db: sqlite3.Connection, source: int) -> str:
    return str(db.execute("SELECT shown FROM source WHERE id = ?", (source,)).fetchone()[0])
