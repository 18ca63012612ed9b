"""How the rows of a task are written: predictions, labels, detections, and the names that they refer to."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple

from mediaml.core.errors import ChangedError
from mediaml.core.media import Kind
from mediaml.core.work import ModelIdentity, Source
from mediaml.ledger.encoding import TaskRecord, info_of
from mediaml.ledger.integrity import seal_source, seal_tasks
from mediaml.ledger.task_progress import IDENTITY

INSERT_CLASS = "INSERT INTO class (model, id, name, checksum) VALUES (?1, ?2, ?3, crc32(?1, ?2, ?3))"
INSERT_PREDICTION = (
    "INSERT INTO prediction (source, model, frame, slice, time_s, duration_s, embedding, picture, "
    "audio_track, same_as) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_LABEL = "INSERT INTO label (source, model, frame, n, class, score) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_DETECTION = (
    "INSERT INTO detection (source, model, frame, n, class, score, left, top, right, bottom, track, "
    "outline, keypoints) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_SOURCE = (
    "INSERT INTO source (path, shown, name, position, size, mtime_ns, digest, kind, checksum) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, crc32(?1, ?2, ?3, ?8, NULL))"
)
_INSERT_TASK = (
    "INSERT OR REPLACE INTO task (source, model, slice, frames, last, stage, error, message, "
    "expected, decoded, corrupt, gaps, cut) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SET_INFO = (
    "UPDATE source SET info = ?, width = ?, height = ?, duration_s = ?, frame_rate = ?, start_s = ? "
    "WHERE id = ?"
)


class Classes:
    """The numbers of class names, by model; belongs to one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._numbers: dict[int, dict[str, int]] = {}

    def forget(self) -> None:
        """Read them again when they are next asked for: a transaction was rolled back."""
        self._numbers.clear()

    def note(self, model: int, labels: Sequence[str]) -> None:
        """Number the labels of a model by their places; after the numbers that it has, where it has some."""
        if self._of(model):
            self.numbers(model, labels)
            return
        self._db.executemany(INSERT_CLASS, [(model, number, name) for number, name in enumerate(labels)])
        self._numbers.pop(model)

    def numbers(self, model: int, names: Iterable[str]) -> list[int]:
        """The numbers of names, in order; a new name gets the next."""
        known = self._of(model)
        missing = [name for name in dict.fromkeys(names) if name not in known]
        if missing:
            query = "SELECT coalesce(max(id) + 1, 0) FROM class WHERE model = ?"
            first = self._db.execute(query, (model,)).fetchone()[0]
            known.update({name: first + place for place, name in enumerate(missing)})
            self._db.executemany(INSERT_CLASS, [(model, known[name], name) for name in missing])
        return [known[name] for name in names]

    def _of(self, model: int) -> dict[str, int]:
        if model not in self._numbers:
            # Of labels with one name the first counts.
            rows = self._db.execute("SELECT name, id FROM class WHERE model = ? ORDER BY id DESC", (model,))
            self._numbers[model] = dict(rows.fetchall())
        return self._numbers[model]


def insert_model(db: sqlite3.Connection, model: ModelIdentity) -> int:
    """Add a model, within the caller's transaction; returns its id."""
    columns = (*IDENTITY, "task", "weights")
    added = db.execute(
        f"INSERT INTO model ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        tuple(getattr(model, column) for column in columns),
    )
    return int(added.lastrowid or 0)


def insert_source(db: sqlite3.Connection, source: Source, name: str, kind: Kind | None, position: int) -> int:
    """Add a source with its checksum, within the caller's transaction; returns its id."""
    path, stamp = os.fsencode(str(source.path)), (source.size, source.mtime_ns, source.digest)
    values = (path, source.shown, name, position, *stamp, kind and kind.value)
    return int(db.execute(_INSERT_SOURCE, values).lastrowid or 0)


def note_clips(db: sqlite3.Connection, model: int, frames: int | None) -> None:
    """Note that the answers of a model are for clips of so many frames, within the caller's transaction."""
    if frames is not None:
        db.execute("INSERT OR REPLACE INTO clip_model (model, frames) VALUES (?, ?)", (model, frames))


_INSERT_PICTURES = (
    "INSERT INTO picture_file (source, model, slice, part, name, sha256, size, first, last, width, height) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def write_task(db: sqlite3.Connection, record: TaskRecord, classes: Classes) -> None:
    """Write the outcome of a task, within the caller's transaction."""
    task, failure, accounts = record.task, record.failure, record.accounts
    if failure is not None and failure.type == ChangedError.__name__:
        # Earlier slices belong to the file as it was before.
        db.execute("DELETE FROM task WHERE source = ? AND model = ?", (task.source, task.model))
    if record.info is not None:
        write_info(db, task.source, record.info)
    db.execute(
        _INSERT_TASK,
        (
            task.source,
            task.model,
            task.slice,
            len(record.frames),
            record.last,
            *((failure.stage, failure.type, failure.message) if failure else (None, None, None)),
            accounts.expected,
            accounts.decoded,
            accounts.corrupt,
            accounts.gaps,
            record.cut,
        ),
    )
    _write_predictions(db, record, classes.numbers(task.model, record.names))
    seal_tasks(db, task.source, task.model, task.slice)


def _write_predictions(db: sqlite3.Connection, record: TaskRecord, classes: Sequence[int]) -> None:
    source, model, slice_ = record.task.source, record.task.model, record.task.slice
    db.executemany(
        INSERT_PREDICTION,
        [
            (
                source,
                model,
                one.index,
                slice_,
                one.time_s,
                one.duration_s,
                one.embedding,
                one.picture,
                one.audio_track,
                one.same_as,
            )
            for one in record.frames
        ],
    )
    db.executemany(
        INSERT_LABEL,
        [(source, model, frame, n, classes[name], score) for frame, n, name, score in record.labels],
    )
    db.executemany(
        INSERT_DETECTION,
        [(source, model, frame, n, classes[name], *rest) for frame, n, name, *rest in record.detections],
    )
    db.executemany(
        _INSERT_PICTURES,
        [(source, model, slice_, part, *astuple(file)) for part, file in enumerate(record.pictures)],
    )


def write_info(db: sqlite3.Connection, source: int, text: str) -> None:
    """Keep the facts of a source, as `info_json` wrote them; those from frames replace those from audio."""
    info = info_of(text, "")
    if info.width is None:
        known = db.execute("SELECT width FROM source WHERE id = ?", (source,)).fetchone()
        if known and known[0] is not None:
            return
    rate = None if info.frame_rate is None else float(info.frame_rate)
    db.execute(_SET_INFO, (text, info.width, info.height, info.duration_s, rate, info.start_s, source))
    seal_source(db, source)
