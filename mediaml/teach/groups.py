"""Which examples belong together, so that none is tested by a model that has seen its like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array
from mediaml.embeddings.duplicates import alike_pairs
from mediaml.embeddings.vectors import unit_rows


def groups_of(vectors: Float32Array, file: NDArray[np.int64], alike: float) -> NDArray[np.int64]:
    """Groups of rows: of one file, or near-duplicates of one another, by however many steps.

    Vectors are compared less their mean, for some backbones call everything alike: what is the same in all
    examples tells none from another.

    Args:
        vectors: float32 [rows, dimensions]. file: which file each row is of.
        alike: lowest cosine of near-duplicates.

    Returns:
        A number for each row, from 0; equal numbers belong together.
    """
    parent = np.arange(int(file.max(initial=-1)) + 1)
    centred = unit_rows(vectors - vectors.mean(axis=0)) if len(vectors) else vectors
    for first, second in alike_pairs(centred, alike):
        _join(parent, int(file[first]), int(file[second]))
    roots = np.array([_root(parent, int(one)) for one in file], dtype=np.int64)
    return np.asarray(np.unique(roots, return_inverse=True)[1], dtype=np.int64)


def _root(parent: NDArray[np.int64], one: int) -> int:
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = int(parent[one])
    return one


def _join(parent: NDArray[np.int64], one: int, other: int) -> None:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first
