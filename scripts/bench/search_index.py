"""Measure the approximate index beside exact search: python -m scripts.bench.search_index FOLDER [--rows N]

FOLDER is made by scripts/bench/search.py (seeded, evenly spread vectors), or here where it holds no ledger:
N frames gathered around N/50 seeded scenes, which is nearer to what films are. Prints the time to make the
index, its size, the recall at 20 of frames over 50 questions, and the time of a search with it and without.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from mediaml.core.arrays import Float32Array
from mediaml.embeddings.index import nearest_rows, open_index, search_index
from mediaml.embeddings.search import search
from mediaml.embeddings.vectors import Vectors, choose_space, open_vectors, unit_rows
from scripts.bench.search import DIMENSIONS, SLICE, filled_folder

QUESTIONS, COUNT, PROPOSED = 50, 20, 512


def scenes(rows: int) -> Float32Array:
    """Frames of 50 a scene, at a cosine of about 0.8 to one another."""
    random = np.random.default_rng(1)
    middles = unit_rows(random.standard_normal((-(-rows // 50), DIMENSIONS), dtype=np.float32))
    noise = unit_rows(random.standard_normal((rows, DIMENSIONS), dtype=np.float32))
    return unit_rows(np.repeat(middles, 50, axis=0)[:rows] + 0.5 * noise)


def slices(rows: int) -> Iterator[Float32Array]:
    """The same, in slices as a ledger holds them."""
    made = scenes(rows)
    return (made[start : start + SLICE] for start in range(0, len(made), SLICE))


def seconds(begun: float) -> str:
    return f"{time.perf_counter() - begun:.2f} s"


def measure(vectors: Vectors) -> None:
    """Print the figures."""
    assert vectors.path is not None
    begun = time.perf_counter()
    index = open_index(vectors)
    size = vectors.path.with_suffix(".usearch").stat().st_size / 1e6
    print(f"{len(vectors)} vectors; index of {size:.0f} MB opened, made where it was not: {seconds(begun)}")
    random = np.random.default_rng(2)
    asked = vectors.rows(np.sort(random.choice(len(vectors), QUESTIONS)))
    questions = unit_rows(asked + 0.5 * unit_rows(random.standard_normal(asked.shape).astype(np.float32)))
    recall, spent = 0.0, {search: [0.0, 0.0], search_index: [0.0, 0.0]}
    for question in questions:
        best = np.argsort(-vectors.cosines(question))[:COUNT]
        recall += len(set(best.tolist()) & set(nearest_rows(index, question, PROPOSED).tolist())) / COUNT
        for find, times in spent.items():
            begun, worked = time.perf_counter(), time.process_time()
            find(vectors, question, COUNT, 0.95)
            times[0] += time.perf_counter() - begun
            times[1] += time.process_time() - worked
    print(f"recall at {COUNT} among {PROPOSED} proposed: {recall / QUESTIONS:.3f}")
    for find, (waited, worked) in spent.items():
        each = 1e3 / QUESTIONS
        print(f"{find.__name__}: {each * waited:.0f} ms a question, {each * worked:.0f} ms of processors")


def main() -> None:
    """See the module."""
    folder = filled_folder(__doc__, 50_000, slices)
    measure(open_vectors(folder, choose_space(folder, None)))


if __name__ == "__main__":
    main()
