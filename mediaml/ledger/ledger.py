"""The writing side of the ledger: one transaction per commit."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.view import EVERYTHING, View
from mediaml.core.work import Failure, ModelIdentity, Source, TaskProgress
from mediaml.ledger.derivations import Derivations
from mediaml.ledger.encoding import TaskRecord, view_json
from mediaml.ledger.free_names import FreeNames
from mediaml.ledger.integrity import seal_asked, seal_source
from mediaml.ledger.merge import LedgerMerge
from mediaml.ledger.pictures import remove_unlisted
from mediaml.ledger.rows import Classes, insert_model, insert_source, note_clips, write_task
from mediaml.ledger.schema import (
    BATCH_PREFIX,
    CURRENT_PREFIX,
    FILE_NAME,
    RUN_PREFIX,
    VIEW_PREFIX,
    connect,
)
from mediaml.ledger.task_progress import Known, file_state, model_id, same_lineage, task_progress
from mediaml.ledger.trouble import ledger_error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Ledger(AbstractContextManager["Ledger"]):
    """The store of one output folder, opened for writing by one process and used from one thread.

    Raises:
        OutputError: the folder cannot be made or written, or its ledger cannot be trusted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the output folder {folder} cannot be created: {error.strerror}.",
                "Name a writable folder with -o.",
            ) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(
                f"the output folder {folder} cannot be written.", "Name a writable folder with -o."
            )
        self._db = connect(folder, checked=True)
        self._begun, self._frames = time.monotonic(), 0
        self._classes = Classes(self._db)
        self._names = FreeNames(self._db, "source", "name")
        self._paths = FreeNames(self._db, "artifact", "path")
        self._depth = 0
        self.derivations = Derivations(self._db, self._transaction)
        self.merge = LedgerMerge(self._db, self._transaction, self._classes, self._names, folder)
        self._positions: int = self._db.execute("SELECT coalesce(max(position), 0) FROM source").fetchone()[0]

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._db.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit everything written in the `with` block, or, if it fails or the process dies, nothing.

        Raises:
            OutputError: the ledger cannot be written, for instance because the disk is full, or was removed.
        """
        if self._depth:
            yield
            return
        # SQLite would keep writing to the removed file, and the results would be lost.
        if not (self.folder / FILE_NAME).exists():
            raise OutputError(
                f"the ledger {self.folder / FILE_NAME} was removed while it was written.",
                "Rerun the same command; it starts from the beginning.",
            )
        self._depth += 1
        try:
            with self._db:
                yield
        except BaseException as error:
            for names in (self._names, self._paths):
                names.forget()
            if isinstance(error, sqlite3.Error):
                raise ledger_error(self.folder / FILE_NAME, error, "written") from error
            raise
        finally:
            self._depth -= 1

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of all that is written in a `with` block; see `_transaction`."""
        return self._transaction()

    def begin_run(self, header: dict[str, Any]) -> int:
        """Note a run with its header (versions, models, arguments), and tidy up; returns its id."""
        self._begun, self._frames = time.monotonic(), 0
        remove_unlisted(self._db, self.folder)
        text = msgspec.json.encode(header).decode()
        with self._transaction():
            row = self._db.execute("INSERT INTO run (started_at, header) VALUES (?, ?)", (_now(), text))
        return int(row.lastrowid or 0)

    def end_run(self, run: int) -> None:
        """Note when a run ended, how many frames it committed and in how many seconds."""
        seconds = round(time.monotonic() - self._begun, 3)
        with self._transaction():
            self._db.execute("UPDATE run SET finished_at = ? WHERE id = ?", (_now(), run))
            count = msgspec.json.encode((self._frames, seconds)).decode()
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"{RUN_PREFIX}{run}", count))

    def add_model(
        self,
        model: ModelIdentity,
        view: View = EVERYTHING,
        labels: Sequence[str] = (),
        *,
        clip_frames: int | None = None,
    ) -> int:
        """The id of a model, which is noted as the identity asked for; equal identities have equal ids.

        Where another identity or view of it was asked for before, all annotated copies are out of date.

        Args:
            view: what outputs are to show of its predictions. clip_frames: see `ModelRow`.
            labels: all labels that it knows, in its own order; empty where it does not say.
        """
        with self._transaction():
            number = model_id(self._db, model) or insert_model(self._db, model)
            asked = {
                f"{CURRENT_PREFIX}{model.name}": str(number),
                f"{VIEW_PREFIX}{model.name}": view_json(view),
            }
            before = dict(self._db.execute("SELECT key, value FROM meta WHERE key IN (?, ?)", tuple(asked)))
            if before != asked:
                self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", asked.items())
                seal_asked(self._db)
                self._db.execute("UPDATE artifact SET done = 0")
            self._classes.note(number, labels)
            note_clips(self._db, number, clip_frames)
        return number

    def recall(self, source: Source) -> Kind | None:
        """The kind of a source that was opened before and has not changed since; else `None`."""
        row = self._known(source)
        return Kind(row.kind) if row and row.kind and row.is_of(source) else None

    def next_position(self) -> int:
        """The next place in the order of sources."""
        self._positions += 1
        return self._positions

    def add_source(self, source: Source, kind: Kind | None = None, position: int | None = None) -> int:
        """The id of a source; `kind` is `None` where it is unknown.

        It takes the `position` that is given; else a new one takes the next, and a known one keeps its own.

        A source that has changed loses its earlier results: they belong to another file. A change is
        detected by digest where both are known, else by size and time of modification. Its `name` stays the
        one it was first given; a name that another source has gets a number, so that outputs never collide.
        """
        with self._transaction():
            row = self._known(source)
            if row is None:
                name = self._names.take(source.name)
                return insert_source(self._db, source, name, kind, position or self.next_position())
            if not row.is_of(source):
                self._db.execute("DELETE FROM task WHERE source = ?", (row.id,))
                self._db.execute("DELETE FROM artifact WHERE source = ?", (row.id,))
                self._paths.forget()
            digest = source.digest or (row.digest if row.is_of(source) else "")
            self._db.execute(
                "UPDATE source SET shown = ?, position = coalesce(?, position), size = ?, mtime_ns = ?, "
                "digest = ?, kind = ? WHERE id = ?",
                (source.shown, position, source.size, source.mtime_ns, digest, kind and kind.value, row.id),
            )
            seal_source(self._db, row.id)
        return row.id

    def forget_folders(self, failing: Collection[int]) -> None:
        """Drop folders that could not be read in an earlier run, and can be now.

        Args:
            failing: ids of sources of this run, which stay.
        """
        rows = self._db.execute("SELECT id, path FROM source WHERE kind IS NULL").fetchall()
        readable = [
            (id_,)
            for id_, path in rows
            if id_ not in failing and os.path.isdir(path) and os.access(path, os.R_OK | os.X_OK)  # noqa: PTH112
        ]
        if readable:
            with self._transaction():
                self._db.executemany("DELETE FROM source WHERE id = ?", readable)
                self._names.forget()
                self._paths.forget()

    def _known(self, source: Source) -> Known | None:
        row = self._db.execute(
            "SELECT id, size, mtime_ns, digest, kind FROM source WHERE path = ?",
            (os.fsencode(str(source.path)),),
        ).fetchone()
        return Known(*row) if row else None

    def has_tasks(self, source: int) -> bool:
        """Whether any model has begun a source."""
        return self._db.execute("SELECT 1 FROM task WHERE source = ?", (source,)).fetchone() is not None

    def task_progress(self, source: int, model: int, view: View | None = None) -> TaskProgress:
        """The progress of a model on a source, for a view where one is given."""
        return task_progress(self._db, source, model, view, folder=self.folder)

    def supersede(self, source: int, model: int, *, restart: bool) -> None:
        """Drop the results of other versions of the same model for a source, and this one's own failure.

        Results of other weights and other options stay.

        Args:
            restart: drop the results of this version as well.
        """
        with self._transaction():
            self._db.execute(
                "DELETE FROM task WHERE source = ? AND (model IN (SELECT other.id FROM model AS other, "
                f"model AS this WHERE this.id = ? AND {same_lineage()} AND other.id != this.id) "
                "OR (model = ? AND (? OR stage IS NOT NULL)))",
                (source, model, model, restart),
            )

    def commit(self, records: Sequence[TaskRecord]) -> None:
        """Commit tasks, all of them or, if the process dies, none.

        Raises:
            OutputError: the ledger cannot be written, for instance because the disk is full.
        """
        try:
            with self._transaction():
                for record in records:
                    write_task(self._db, record, self._classes)
                sources = {record.task.source for record in records}
                self._db.executemany(
                    "UPDATE artifact SET done = 0 WHERE source = ?", [(one,) for one in sources]
                )
        except BaseException:
            self._classes.forget()
            raise
        self._frames += sum(len(record.frames) for record in records)

    def note_batch_limit(self, key: str, frames: int) -> None:
        """Remember the largest batch that fits in memory; `key` identifies the model and the device."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"{BATCH_PREFIX}{key}", str(frames))
            )

    def claim_artifact(self, source: int, kind: str, wanted: str) -> str:
        """The path, under the output folder, of a source's derived file; its own on every later call."""
        with self._transaction():
            row = self._db.execute(
                "SELECT path FROM artifact WHERE source = ? AND kind = ?", (source, kind)
            ).fetchone()
            if row:
                return str(row[0])
            path = self._paths.take(wanted)
            self._db.execute(
                "INSERT INTO artifact (source, kind, path, done) VALUES (?, ?, ?, 0)", (source, kind, path)
            )
        return path

    def settle_artifact(self, source: int, kind: str, *, done: bool, failure: Failure | None = None) -> None:
        """Note that a derived file is up to date, out of date (`done=False`), or could not be written.

        Of one that is up to date size and time are kept, so that a later change is noticed.
        """
        where = "WHERE source = ? AND kind = ?"
        row = self._db.execute(f"SELECT path FROM artifact {where}", (source, kind)).fetchone()
        state = file_state(self.folder / row[0]) if done and row else None
        said = (failure and failure.type, failure and failure.message, *(state or (None, None)))
        with self._transaction():
            self._db.execute(
                f"UPDATE artifact SET done = ?, error = ?, message = ?, size = ?, mtime_ns = ? {where}",
                (done, *said, source, kind),
            )
