"""The ledger's embeddings as one matrix in a file of its own, which is mapped into memory, not read.

The file is derived: its name says which ledger and which model it was made from, and it is made again when
the ledger has changed. It holds whole numbers of 16 bits; see `fixed_point`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array
from mediaml.core.atomic_file import atomic_file
from mediaml.core.errors import OutputError
from mediaml.embeddings.fixed_point import fixed, floats, product
from mediaml.ledger.embeddings import EmbeddingRow, Space, embedding_spaces, ledger_stamp, read_embeddings

Records = NDArray[Any]
INDEX_SUFFIX = ".usearch"
"""Ending of an index beside the file of vectors that it was made from; it goes with that file."""
_ROWS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Embeddings of one space, mapped from a file.

    Attributes:
        space: which.
        records: [n], see `pack`.
        path: of the file; `None` where they are in memory only.
    """

    space: Space
    records: Records = field(repr=False)
    path: Path | None = None

    def __len__(self) -> int:
        return len(self.records)

    def cosines(self, question: Float32Array) -> Float32Array:
        """The cosine of every vector to a query of unit length: float32 [n], 0 where a vector is zero."""
        return product(self.records["vector"], self.records["scale"], question)

    def rows(self, chosen: slice | NDArray[np.integer]) -> Float32Array:
        """Some of the vectors, of unit length or zero: float32 [rows, dimensions]."""
        records = self.records[chosen]
        return floats(records["vector"], records["scale"])


def choose_space(folder: Path, model: str | None) -> Space:
    """The one space of a ledger, or that of the model of that name.

    Of one model with several weights it is the space of those that a run asked for last.

    Raises:
        OutputError: there is no ledger, no embedding in it, or more than one model to choose from.
    """
    spaces = [space for space in embedding_spaces(folder) if model in (None, space.model)]
    wanted = [space for space in spaces if space.current] or list(spaces)
    if len(wanted) == 1:
        return wanted[0]
    if not wanted:
        of_model = f" of {model!r}" if model else ""
        raise OutputError(
            f"{folder} holds no embeddings{of_model}.", "Create some: mediaml run -p clip INPUT... -o FOLDER"
        )
    names = ", ".join(f"{space.model} ({space.weights} {space.weights_sha256[:8]})" for space in wanted)
    if len({space.model for space in wanted}) > 1:
        raise OutputError(f"{folder} holds embeddings of several models: {names}.", "Choose one with -p.")
    raise OutputError(
        f"{folder} holds embeddings of the same model with several weights: {names}.",
        "They cannot be compared: run again with one of them, or into another folder.",
    )


def open_vectors(folder: Path, space: Space) -> Vectors:
    """Map the vectors of a space; the file is made first where it is missing or out of date.

    Raises:
        OutputError: the ledger cannot be read, or the file cannot be written.
    """
    stem = hashlib.sha256(f"{space.model} {space.weights_sha256}".encode()).hexdigest()[:12]
    path = folder / f"vectors-{stem}-{ledger_stamp(folder)}.npy"
    records = _mapped(path, space)
    if records is None:
        _write(path, folder, space)
        for old in folder.glob(f"vectors-{stem}-*"):
            if old != path and old.suffix in {".npy", INDEX_SUFFIX}:
                # A system that keeps mapped files from being removed has another search going on.
                with suppress(OSError):
                    old.unlink()
        records = _mapped(path, space)
    if records is None:
        raise OutputError(f"{path} cannot be read back.", "Remove it and try again.")
    return Vectors(space, records, path)


def _dtype(dimensions: int) -> np.dtype[Any]:
    return np.dtype(
        [
            ("source", "<i8"),
            ("frame", "<i8"),
            ("time_s", "<f8"),
            ("duration_s", "<f8"),
            ("scale", "<f4"),
            ("vector", "<i2", (dimensions,)),
        ]
    )


def _mapped(path: Path, space: Space) -> Records | None:
    try:
        records: Records = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return records if records.dtype == _dtype(space.dimensions) else None


def _write(path: Path, folder: Path, space: Space) -> None:
    """Stream the ledger into the file; the header is written again when the number of rows is known."""
    count = 0
    with atomic_file(path) as file:
        _write_header(file, space, 0)
        for records in _chunks(folder, space):
            file.write(records.tobytes())
            count += len(records)
        file.seek(0)
        _write_header(file, space, count)


def _write_header(file: IO[bytes], space: Space, count: int) -> None:
    # NumPy leaves room behind the shape for it to grow in place.
    descr = np.lib.format.dtype_to_descr(_dtype(space.dimensions))
    header = {"descr": descr, "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, header)


def _chunks(folder: Path, space: Space) -> Iterator[Records]:
    stream = read_embeddings(folder, space.ids)
    while rows := list(islice(stream, _ROWS)):
        size = 2 * space.dimensions
        wrong = next((row for row in rows if len(row.vector) != size), None)
        if wrong is not None:
            raise OutputError(
                f"frame {wrong.frame} in {folder} has an embedding of {len(wrong.vector) // 2} numbers among "
                f"others of {space.dimensions}.",
                "The model's output changed: run it again with --force.",
            )
        halves = np.frombuffer(b"".join(row.vector for row in rows), dtype="<f2")
        yield pack(rows, halves.reshape(len(rows), -1).astype(np.float32))


def pack(rows: Sequence[EmbeddingRow], vectors: Float32Array) -> Records:
    """Records with the fields `source`, `frame`, `time_s`, `duration_s`, `scale` and `vector`; see `fixed`.

    Args:
        rows: where the vectors come from.
        vectors: float32 [n, dimensions], of any length.
    """
    records = np.zeros(len(rows), dtype=_dtype(vectors.shape[1]))
    for name in ("source", "frame", "time_s", "duration_s"):
        records[name] = [getattr(row, name) for row in rows]
    records["vector"], records["scale"] = fixed(unit_rows(vectors))
    return records


def unit_rows(vectors: Float32Array) -> Float32Array:
    """Rows scaled to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
