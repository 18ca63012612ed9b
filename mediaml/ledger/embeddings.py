"""The embeddings in a ledger: their models, whether they changed, and the vectors."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mediaml.core.errors import OutputError
from mediaml.ledger.integrity import UNREADABLE, verify
from mediaml.ledger.schema import FILE_NAME, connect
from mediaml.ledger.trouble import ledger_error

_BYTES = 2


@dataclass(frozen=True, slots=True)
class Space:
    """Embeddings that can be compared with one another: of one model with the same weights.

    Attributes:
        model: name of the model.
        weights: its file's name.
        weights_sha256: see `ModelIdentity`.
        ids: the ledger's models that made them, which differ in options only; the preferred one first.
        dimensions: numbers in a vector.
        current: whether they are of the identity that was asked for last.
    """

    model: str
    weights: str
    weights_sha256: str
    ids: tuple[int, ...]
    dimensions: int
    current: bool = True


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    """One frame's embedding: float16 little-endian, as `encoding.embedding_blob` wrote it."""

    source: int
    frame: int
    time_s: float
    duration_s: float
    vector: bytes


def ledger_stamp(folder: Path) -> str:
    """A tag that changes whenever the ledger in `folder` is written; read it before the data.

    Raises:
        OutputError: there is no ledger.
    """
    path = folder / FILE_NAME
    try:
        stats = [path.stat()]
    except OSError as error:
        raise OutputError(
            f"{folder} holds no ledger.", "Name the folder that was given to `mediaml run -o`."
        ) from error
    # Commits are in the write-ahead log until SQLite's next checkpoint.
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        stats.append(log.stat())
    text = " ".join(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def embedding_spaces(folder: Path) -> tuple[Space, ...]:
    """The spaces of a ledger, in the order in which their models were added.

    A model is known by one of its predictions: it embeds all frames or none. Of the ids of a space the
    identity that was asked for last comes first, then the newer ones.

    Raises:
        OutputError: there is no ledger, or it cannot be read.
    """
    ledger_stamp(folder)
    with closing(connect(folder, readonly=True)) as db:
        models = db.execute(
            "SELECT model_id, model, weights, weights_sha256, current FROM models "
            "ORDER BY current DESC, model_id DESC"
        ).fetchall()
        found: dict[tuple[str, str], Space] = {}
        for model, name, weights, sha256, current in models:
            length = _length(db, model)
            if length:
                before = found.get((name, sha256))
                ids = (*before.ids, model) if before else (model,)
                asked = before.current if before else bool(current)
                found[name, sha256] = Space(name, weights, sha256, ids, length // _BYTES, asked)
    return tuple(sorted(found.values(), key=lambda space: min(space.ids)))


def _length(db: sqlite3.Connection, model: int) -> int:
    """Bytes of a model's embeddings; 0 where it makes none."""
    row = db.execute(
        "SELECT length(prediction.embedding) FROM task JOIN prediction USING (source, model, slice) "
        "WHERE task.model = ? AND task.frames > 0 LIMIT 1",
        (model,),
    ).fetchone()
    return int(row[0] or 0) if row else 0


def read_embeddings(folder: Path, models: Sequence[int]) -> Iterator[EmbeddingRow]:
    """The embeddings of all sources in the order they were given, by frame.

    Args:
        models: ids of a space. A source that several of them have embedded is read of the first: their
            vectors differ by the options of the model at most, and a frame is to be found once.

    Raises:
        OutputError: the ledger cannot be read.
    """
    # Source by source, so that SQLite walks along its primary key instead of sorting all the vectors.
    query = (
        "SELECT source, frame, time_s, duration_s, embedding FROM prediction "
        "WHERE source = ? AND model = ? AND embedding IS NOT NULL ORDER BY frame"
    )
    with closing(connect(folder, readonly=True)) as db:
        try:
            db.execute("BEGIN")
            sources = db.execute("SELECT id FROM source ORDER BY position").fetchall()
            for (source,) in sources:
                for model in models:
                    found = False
                    verify(db, source, model)
                    for row in db.execute(query, (source, model)):
                        found = True
                        yield EmbeddingRow(*row)
                    if found:
                        break
        except UNREADABLE as error:
            raise ledger_error(folder / FILE_NAME, error, "read") from error
