"""Exact search: every embedding is compared with the query, in one matrix-vector product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mediaml.core.arrays import Array, Float32Array
from mediaml.embeddings.vectors import Vectors

_BLOCK = 4096
_COUNTED = _BLOCK


@dataclass(frozen=True, slots=True)
class Hit:
    """A frame that matches a query.

    Attributes:
        source: its id in the ledger. frame, time_s: of the best of the frames that look alike.
        score: cosine to the query, -1..1.
        alike: how many further frames, of any source, were left out because they look like this one.
    """

    source: int
    frame: int
    time_s: float
    score: float
    alike: int


def search(vectors: Vectors, question: Float32Array, count: int, alike: float) -> list[Hit]:
    """The best matches, best first, no two of which look alike.

    Args:
        vectors: what is searched.
        question: float32 [dimensions], of unit length.
        count: most answers.
        alike: frames whose cosine is at least this count as one; 1 merges identical ones only.

    Near-duplicates are counted among the 4096 best frames, or as far down as `count` results reach.
    """
    scores = vectors.cosines(question)
    kept: list[int] = []
    merged: list[int] = []
    seen = 0
    for block in _best_first(scores):
        seen += len(block)
        _merge(vectors, block, kept, merged, count, alike)
        if len(kept) >= count and seen >= _COUNTED:
            break
    return [
        Hit(int(record["source"]), int(record["frame"]), float(record["time_s"]), float(scores[index]), more)
        for index, more in zip(kept, merged, strict=True)
        for record in [vectors.records[index]]
    ]


def _best_first(scores: Float32Array) -> Iterator[Array]:
    """Indices in blocks, best first; equal scores in the order of the ledger."""
    head = np.flatnonzero(scores >= _nth_best(scores, _COUNTED))
    head = head[np.argsort(-scores[head], kind="stable")]
    yield from np.split(head, range(_BLOCK, len(head), _BLOCK))
    if len(head) < len(scores):
        order = np.argsort(-scores, kind="stable")[len(head) :]
        yield from np.split(order, range(_BLOCK, len(order), _BLOCK))


def _nth_best(scores: Float32Array, n: int) -> float:
    return float(np.partition(scores, -n)[-n]) if len(scores) > n else -np.inf


def _merge(
    vectors: Vectors, block: Array, kept: list[int], merged: list[int], count: int, alike: float
) -> None:
    """Assign each frame of a block to the first result it looks like, or make it a new result."""
    rows = vectors.rows(block)
    owner = np.full(len(block), -1)
    if kept:
        close = rows @ vectors.rows(np.array(kept)).T >= alike
        owner[close.any(axis=1)] = close.argmax(axis=1)[close.any(axis=1)]
    while len(kept) < count and (owner < 0).any():
        first = int(np.argmax(owner < 0))
        number = len(kept)
        kept.append(int(block[first]))
        merged.append(-1)
        # Not a product: the threads that BLAS would start for it would wait for each other longer than they
        # work.
        close = np.einsum("ij,j->i", rows, rows[first]) >= alike
        owner[(owner < 0) & close] = number
        owner[first] = number
    for number, members in enumerate(np.bincount(owner[owner >= 0], minlength=len(kept))):
        merged[number] += int(members)
