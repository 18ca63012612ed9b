"""Time the search over a million vectors: python -m scripts.bench.search FOLDER [--rows N]

Writes a ledger of N embeddings (seeded, of unit length, 512 numbers) to FOLDER, then times what a user waits
for: the derived file made from the ledger, and a search in it, with the file in memory and without.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Iterator
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


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    typed = parser.parse_args()
    if not (typed.folder / "ledger.sqlite").exists():
        fill(typed.folder, spread(typed.rows))
    with timed("opened, made from the ledger where it was not"):
        vectors = open_vectors(typed.folder, choose_space(typed.folder, None))
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
        vectors = open_vectors(typed.folder, choose_space(typed.folder, None))
        with timed("  whole search, file not in memory"):
            search(vectors, question, 20, alike=0.95)
    print(f"best: source {hits[0].source} frame {hits[0].frame} cosine {hits[0].score:.3f}")


if __name__ == "__main__":
    main()
