"""The embeddings in a ledger: which models made them, whether they changed, and the vectors."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mediaml.core.errors import OutputError
from mediaml.ledger.schema import FILE_NAME, connect

_BYTES = 2


@dataclass(frozen=True, slots=True)
class Space:
    """Embeddings that can be compared with one another: of one model with the same weights.

    Attributes:
        model: name of the model. weights: its file's name. weights_sha256: see `ModelIdentity`.
        ids: the ledger's models that made them; they differ in options only.
        dimensions: numbers in a vector.
    """

    model: str
    weights: str
    weights_sha256: str
    ids: tuple[int, ...]
    dimensions: int


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    """One frame's embedding: float16 little-endian, as `encoding.embedding_blob` wrote it."""

    source: int
    frame: int
    time_s: float
    duration_s: float
    vector: bytes


def ledger_stamp(folder: Path) -> str:
    """Changes whenever the ledger in `folder` has been written; read it before what it vouches for.

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
    # What is committed lies in the write-ahead log until SQLite moves it over.
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        stats.append(log.stat())
    text = " ".join(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def embedding_spaces(folder: Path) -> tuple[Space, ...]:
    """The spaces of a ledger, in the order in which their models came.

    A model is asked by one of its answers: it embeds all frames or none.

    Raises:
        OutputError: there is no ledger, or it cannot be read.
    """
    ledger_stamp(folder)
    with closing(connect(folder, readonly=True)) as db:
        models = db.execute("SELECT id, name, weights, weights_sha256 FROM model ORDER BY id").fetchall()
        found: dict[tuple[str, str], Space] = {}
        for model, name, weights, sha256 in models:
            length = _length(db, model)
            if length:
                before = found.get((name, sha256))
                ids = (*before.ids, model) if before else (model,)
                found[name, sha256] = Space(name, weights, sha256, ids, length // _BYTES)
    return tuple(found.values())


def _length(db: sqlite3.Connection, model: int) -> int:
    """Bytes of a model's embeddings; 0 where it makes none."""
    row = db.execute(
        "SELECT length(answer.embedding) FROM task JOIN answer USING (source, model, slice) "
        "WHERE task.model = ? AND task.frames > 0 LIMIT 1",
        (model,),
    ).fetchone()
    return int(row[0] or 0) if row else 0


def read_embeddings(folder: Path, models: Sequence[int]) -> Iterator[EmbeddingRow]:
    """All embeddings of these models, by source in the order they were given, then by frame.

    Raises:
        OutputError: the ledger cannot be read.
    """
    # Source by source, so that SQLite walks along its primary key instead of sorting all the vectors.
    query = (
        "SELECT source, frame, time_s, duration_s, embedding FROM answer "
        "WHERE source = ? AND model = ? AND embedding IS NOT NULL ORDER BY frame"
    )
    with closing(connect(folder, readonly=True)) as db:
        try:
            db.execute("BEGIN")
            sources = db.execute("SELECT id FROM source ORDER BY position").fetchall()
            for (source,) in sources:
                for model in models:
                    for row in db.execute(query, (source, model)):
                        yield EmbeddingRow(*row)
        except sqlite3.Error as error:
            raise OutputError(f"the ledger {folder / FILE_NAME} cannot be read: {error}.") from error
