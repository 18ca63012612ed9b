"""The reading side of the ledger; any thread may open its own view while tasks are being committed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError, OutputError
from mediaml.core.location import Location, location_of
from mediaml.core.media import DecodeAccounts, Kind
from mediaml.core.prediction import Box, Detection, Label
from mediaml.core.work import Failure, ModelIdentity, Task, TaskProgress
from mediaml.ledger.encoding import picture_of
from mediaml.ledger.progress import ProgressRow, RunRow, progress, runs
from mediaml.ledger.schema import BATCH_PREFIX, FILE_NAME, connect
from mediaml.ledger.task_progress import IDENTITY, Known, task_progress


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the ledger holds it; `kind` is `None` while it has never been opened."""

    id: int
    path: Location
    shown: str
    name: str
    kind: Kind | None

    @property
    def file(self) -> Path:
        """The local file.

        Raises:
            MediaError: it is a URL, which is read once and has no copy.
        """
        if isinstance(self.path, Path):
            return self.path
        raise MediaError(f"{self.path} is no file of this machine.", "Download it first.")


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What the model of that name said of one frame; labels and detections are JSON arrays to be copied."""

    model: str
    frame: int
    time_s: float
    duration_s: float
    labels: str
    detections: str


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A source that failed for a model, or whose derived file could not be written.

    Attributes:
        model: its name; of a derived file, what the ledger calls it.
        model_id: its id in the ledger; `None` for a derived file.
    """

    source: SourceRow
    model: str
    failure: Failure
    accounts: DecodeAccounts
    model_id: int | None = None


class View:
    """Read-only queries over one ledger. Use from the thread that opened it."""

    def __init__(self, folder: Path) -> None:
        self._db = connect(folder, readonly=True)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._db.close()

    def latest_header(self) -> dict[str, Any]:
        """The header of the latest run; empty where there was none."""
        row = self._db.execute("SELECT header FROM run ORDER BY id DESC LIMIT 1").fetchone()
        return msgspec.json.decode(row[0], type=dict[str, Any]) if row else {}

    def models(self) -> list[dict[str, Any]]:
        """Every model that has answered or failed, in the order of their ids."""
        columns = ("id", "name", "task", "plugin", "distribution", "version", "weights", "weights_sha256")
        rows = self._db.execute(
            f"SELECT {', '.join(columns)}, options FROM model "
            "WHERE id IN (SELECT model FROM task) ORDER BY id"
        )
        return [
            {**dict(zip(columns, row, strict=False)), "options": msgspec.json.decode(row[-1])} for row in rows
        ]

    def batch_limits(self) -> dict[str, int]:
        """The largest batches that fitted in memory, by the key with which they were noted."""
        rows = self._db.execute("SELECT key, value FROM meta WHERE key LIKE ?", (f"{BATCH_PREFIX}%",))
        return {key.removeprefix(BATCH_PREFIX): int(value) for key, value in rows}

    def sources(self) -> Iterator[SourceRow]:
        """Every source, in the order they were given."""
        query = "SELECT id, path, shown, name, kind FROM source ORDER BY position"
        return map(_source_row, self._db.execute(query))

    def source(self, source: int) -> SourceRow:
        """One source."""
        query = "SELECT id, path, shown, name, kind FROM source WHERE id = ?"
        return _source_row(self._db.execute(query, (source,)).fetchone())

    def known(self, path: Location) -> Known | None:
        """What tells whether a file is still the one that was answered; `None` where it is new."""
        row = self._db.execute(
            "SELECT id, size, mtime_ns, digest, kind FROM source WHERE path = ?", (os.fsencode(str(path)),)
        ).fetchone()
        return Known(*row) if row else None

    def task_progress(self, source: int, model: ModelIdentity) -> TaskProgress | None:
        """How far this very model has come with a source; `None` where it has never begun."""
        where = " AND ".join(f"{field} = ?" for field in IDENTITY)
        values = tuple(getattr(model, field) for field in IDENTITY)
        row = self._db.execute(
            f"SELECT id FROM model WHERE {where} AND id IN (SELECT model FROM task WHERE source = ?)",
            (*values, source),
        ).fetchone()
        return task_progress(self._db, source, row[0]) if row else None

    def identities(self, source: int, name: str) -> list[ModelIdentity]:
        """The versions of a model, by its name, that have answered a source; oldest first."""
        columns = [field.name for field in fields(ModelIdentity)]
        rows = self._db.execute(
            f"SELECT {', '.join(columns)} FROM model WHERE name = ? "
            "AND id IN (SELECT model FROM task WHERE source = ?) ORDER BY id",
            (name, source),
        )
        return [ModelIdentity(*row) for row in rows]

    def answers(self, source: int, *, task: Task | None = None) -> Iterator[AnswerRow]:
        """A source's answers by model, then by frame; only those of one task where it is given."""
        where, values = _of_task(source, task)
        # Left to itself, SQLite goes through all answers of the model to this source for one task.
        index = "" if task is None else "INDEXED BY answer_task"
        query = (
            f"SELECT model.name, frame, time_s, duration_s, labels, detections FROM answer AS task {index} "
            f"JOIN model ON model.id = task.model WHERE {where} ORDER BY task.model, frame"
        )
        return (AnswerRow(*row) for row in self._db.execute(query, values))

    def overlay(self, source: int, frame: int) -> tuple[tuple[Label, ...], tuple[Detection, ...]]:
        """What all models said of one frame: labels, and detections in displayed source pixels."""
        rows = self._db.execute(
            "SELECT labels, detections FROM answer WHERE source = ? AND frame = ? AND model IN "
            "(SELECT model FROM task WHERE source = ?) ORDER BY model",
            (source, frame, source),
        ).fetchall()
        labels = [Label(row["label"], row["score"]) for text, _ in rows for row in msgspec.json.decode(text)]
        detections = [
            Detection(Label(row["label"], row["score"]), Box(*row["box"]), row.get("track"))
            for _, text in rows
            for row in msgspec.json.decode(text)
        ]
        return tuple(labels), tuple(detections)

    def picture(self, source: int, frame: int) -> UInt8Array | None:
        """The picture with which a model answered a frame, the last model of several: uint8 RGB [H, W, 3]."""
        row = self._db.execute(
            "SELECT picture FROM answer WHERE source = ? AND frame = ? AND picture IS NOT NULL "
            "ORDER BY model DESC LIMIT 1",
            (source, frame),
        ).fetchone()
        return None if row is None else picture_of(row[0])

    def has_pictures(self, source: int) -> bool:
        """Whether any model answered a source with pictures."""
        query = "SELECT 1 FROM answer WHERE source = ? AND picture IS NOT NULL LIMIT 1"
        return self._db.execute(query, (source,)).fetchone() is not None

    def failures(self, source: int | None = None, *, task: Task | None = None) -> Iterator[FailureRow]:
        """What failed, by source and model; then, unless one task is asked for, files not written."""
        where, values = _of_task(source, task) if source is not None else ("1", ())
        columns = "source.id, source.path, source.shown, source.name, source.kind"
        tasks = self._db.execute(
            f"SELECT {columns}, model.name, stage, error, message, expected, decoded, corrupt, gaps, "
            "model.id "
            "FROM task JOIN source ON source.id = task.source JOIN model ON model.id = task.model "
            f"WHERE stage IS NOT NULL AND {where} ORDER BY position, model.id",
            values,
        )
        for row in tasks:
            failure = Failure(row[6], row[7], row[8])
            accounts = DecodeAccounts(*row[9:13])
            yield FailureRow(_source_row(row[:5]), row[5], failure, accounts, row[13])
        if task is None:
            yield from self._unwritten(source, columns)

    def _unwritten(self, source: int | None, columns: str) -> Iterator[FailureRow]:
        artifacts = self._db.execute(
            f"SELECT {columns}, artifact.kind, error, message FROM artifact "
            "JOIN source ON source.id = artifact.source WHERE error IS NOT NULL "
            "AND (? IS NULL OR source.id = ?) ORDER BY position",
            (source, source),
        )
        for row in artifacts:
            yield FailureRow(_source_row(row[:5]), row[5], Failure("write", row[6], row[7]), DecodeAccounts())

    def damaged(self) -> Iterator[tuple[SourceRow, DecodeAccounts]]:
        """Sources that were read to their end although parts of them are damaged, with their accounts."""
        rows = self._db.execute(
            "SELECT source.id, path, shown, name, kind, max(expected), max(decoded), max(corrupt), max(gaps) "
            "FROM task JOIN source ON source.id = task.source WHERE stage IS NULL AND corrupt > 0 "
            "GROUP BY source.id ORDER BY position"
        )
        return ((_source_row(row[:5]), DecodeAccounts(*row[5:])) for row in rows)

    def artifact_done(self, source: int, kind: str) -> bool:
        """Whether a source's derived file is up to date with its answers."""
        query = "SELECT done FROM artifact WHERE source = ? AND kind = ?"
        row = self._db.execute(query, (source, kind)).fetchone()
        return bool(row and row[0])

    def progress(self, reads: Callable[[str, Kind], bool] = lambda _, __: True) -> list[ProgressRow]:
        """How far each model is; see `mediaml.ledger.progress`."""
        return progress(self._db, reads)

    def runs(self) -> list[RunRow]:
        """Every run, oldest first."""
        return runs(self._db)


def _of_task(source: int, task: Task | None) -> tuple[str, tuple[int, ...]]:
    if task is None:
        return "task.source = ?", (source,)
    return "task.source = ? AND task.model = ? AND task.slice = ?", (task.source, task.model, task.slice)


def _source_row(row: tuple[Any, ...]) -> SourceRow:
    kind = Kind(row[4]) if row[4] else None
    return SourceRow(row[0], location_of(os.fsdecode(row[1])), row[2], row[3], kind)


def has_ledger(folder: Path) -> bool:
    """Whether a folder holds a ledger that was begun; one that cannot be read counts: opening it tells."""
    path = folder / FILE_NAME
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            return bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.Error:
        return True


@contextmanager
def open_view(folder: Path) -> Iterator[View]:
    """A view that is closed at the end of the `with` block.

    Raises:
        OutputError: the ledger cannot be opened, or, also within the block, is damaged.
    """
    view = View(folder)
    try:
        yield view
    except sqlite3.DatabaseError as error:
        raise OutputError(
            f"the ledger {folder / FILE_NAME} cannot be read: {error}.",
            "Name another folder with -o; what results.jsonl beside it holds is kept.",
        ) from error
    finally:
        view.close()
