"""Groups of near-duplicate images, by the cosine of their embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Array, Float32Array
from mediaml.embeddings.vectors import Vectors

# Bytes of the largest array of comparisons at a time.
_ROOM = 32 << 20


@dataclass(frozen=True, slots=True)
class Group:
    """Images that look like the first of them.

    Attributes:
        sources: ids in the ledger, in its order; the first is what the others are compared with.
        closeness: lowest cosine of one of them to the first.
    """

    sources: tuple[int, ...]
    closeness: float


def duplicate_groups(vectors: Vectors, pictures: frozenset[int], alike: float) -> list[Group]:
    """Group images: each joins the first image, in the ledger's order, that it is `alike` to.

    No chains: everything in a group is alike to its first image. Every pair is compared, in blocks; the
    vectors of the images are held in memory, 2 KB each where they have 512 dimensions.

    Args:
        vectors: embeddings.
        pictures: ids of the sources that take part.
        alike: lowest cosine.

    Returns:
        Groups of two or more, the largest first.
    """
    rows = np.flatnonzero(np.isin(vectors.records["source"], list(pictures)))
    matrix = vectors.rows(rows)
    sources = vectors.records["source"][rows]
    groups = [
        Group(tuple(int(source) for source in sources[members]), closeness)
        for members, closeness in _grouped(matrix, alike)
    ]
    return sorted(groups, key=lambda group: -len(group.sources))


def alike_pairs(vectors: Float32Array, alike: float) -> Iterator[tuple[int, int]]:
    """Pairs of rows that are near-duplicates, the earlier row first.

    Args:
        vectors: float32 [rows, dimensions] of unit length. alike: lowest cosine.
    """
    size = max(1, _ROOM // (4 * max(1, len(vectors))))
    for start in range(0, len(vectors), size):
        cosines = vectors[start : start + size] @ vectors[start:].T
        for first, second in np.argwhere(cosines >= alike):
            if first < second:
                yield start + int(first), start + int(second)


def _grouped(matrix: Float32Array, alike: float) -> Iterator[tuple[Array, float]]:
    free = np.ones(len(matrix), dtype=bool)
    size = max(1, _ROOM // (4 * max(1, len(matrix))))
    for start in range(0, len(matrix), size):
        block = start + np.flatnonzero(free[start : start + size])
        if not len(block):
            continue
        cosines = matrix[block] @ matrix[start:].T
        close = cosines >= alike
        for index, near, cosine in zip(block, close, cosines, strict=True):
            if free[index]:
                members = _claim(int(index), start + np.flatnonzero(near), free)
                if len(members) > 1:
                    yield members, float(cosine[members - start].min())


def _claim(first: int, near: NDArray[np.intp], free: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Take the free images near the first one, itself included."""
    members = near[free[near] & (near > first)]
    free[members] = False
    free[first] = False
    return np.concatenate([np.array([first], dtype=np.intp), members])
