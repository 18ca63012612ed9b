"""Time the search over a million vectors: python -m scripts.bench.search FOLDER [--rows N]

Writes a ledger of N embeddings (seeded, of unit length, 512 numbers) to FOLDER, then times what a user waits
for: the derived file made from the ledger, and a search in it, with the file in memory and without.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mediaml.core.arrays import Float32Array
from mediaml.core.media import Kind
from mediaml.core.prediction import Embedding, Prediction
from mediaml.core.work import FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.embeddings.search import search
from mediaml.embeddings.vectors import choose_space, open_vectors, unit_rows
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger

DIMENSIONS, SLICE = 512, 10_000


def spread(rows: int) -> Iterator[Float32Array]:
    """Seeded vectors of unit length, spread evenly, a source at a time."""
    random = np.random.default_rng(0)
    for start in range(0, rows, SLICE):
        yield unit_rows(random.standard_normal((min(SLICE, rows - start), DIMENSIONS), dtype=np.float32))


def fill(folder: Path, sources: Iterable[Float32Array]) -> None:
    """A ledger of one source for each array of vectors."""
    with Ledger(folder) as ledger:
        model = ledger.add_model(ModelIdentity("clip", "embed", "bench", "", "", "none", "0" * 64, "{}"))
        for number, vectors in enumerate(sources):
            name = f"{number:04d}.mp4"
            source = ledger.add_source(Source(folder / name, name, name, 1, 1, named=True), Kind.VIDEO)
            answers = tuple(
                FrameAnswer(index, index / 25, 1 / 25, Prediction(embedding=Embedding(vector)))
                for index, vector in enumerate(vectors)
            )
            ledger.commit([record_of(TaskResult(Task(source, model, 0), answers))])


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block was waited for, and how long processors worked for it."""
    begun, worked = time.perf_counter(), time.process_time()
    yield
    waited, worked = time.perf_counter() - begun, time.process_time() - worked
    print(f"{what}: {waited:.2f} s, of processors {worked:.2f} s")


def forget(path: Path) -> None:
    """Have the system drop a file from memory, so that it comes from the disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def filled_folder(description: str | None, rows: int, make: Callable[[int], Iterable[Float32Array]]) -> Path:
    """The folder that is named on the command line; without a ledger it is filled with what `make` yields.

    Args:
        rows: default of `--rows`, which `make` is called with.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=rows)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if not (folder / "ledger.sqlite").exists():
        fill(folder, make(arguments.rows))
    return folder


def main() -> None:
    """See the module."""
    folder = filled_folder(__doc__, 1_000_000, spread)
    with timed("opened, made from the ledger where it was not"):
        vectors = open_vectors(folder, choose_space(folder, None))
    assert vectors.path is not None
    print(f"{len(vectors)} vectors in {vectors.path.stat().st_size / 1e9:.2f} GB")
    question = vectors.rows(np.array([len(vectors) // 3]))[0]
    for turn in range(5):
        with timed(f"  product {turn}"):
            vectors.cosines(question)
        with timed(f"  whole search {turn}"):
            hits = search(vectors, question, 20, alike=0.95)
    if hasattr(os, "posix_fadvise"):
        path = vectors.path
        del vectors
        forget(path)
        vectors = open_vectors(folder, choose_space(folder, None))
        with timed("  whole search, file not in memory"):
            search(vectors, question, 20, alike=0.95)
    print(f"best: source {hits[0].source} frame {hits[0].frame} cosine {hits[0].score:.3f}")


if __name__ == "__main__":
    main()
