"""Vectors as 16-bit whole numbers with a scale each: half the bytes of float32, and as fast to multiply.

Half as much comes from the disk and stays in memory. float16 would be as small, but NumPy widens it one
number at a time, and moving its bits takes twice as long as the product; whole numbers become float32 in one
instruction. Of a row whose largest number is m, no number is off by more than m / 65534. So, by Cauchy and
Schwarz, its product with a vector of unit length is off by that times the root of the dimensions at most;
here that is a sixth of what rounding to float16 costs, which the ledger does before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array

FixedArray = NDArray[np.int16]

_LARGEST = 32_767
# Numbers in a block: few enough to stay in the cache, and for BLAS to multiply them in this thread. Threads
# that wait for each other at every block took twenty times as long beside other work.
_BLOCK = 1 << 17


def fixed(rows: Float32Array) -> tuple[FixedArray, Float32Array]:
    """Rows as whole numbers, int16 [n, dimensions], and their scales, float32 [n].

    A row of zeros, or with anything that is not a number, becomes zeros of the scale 0.
    """
    largest = np.abs(rows).max(axis=1, initial=0.0)
    usable = np.isfinite(largest) & (largest > 0)
    scale = np.where(usable, largest / _LARGEST, 0).astype(np.float32)
    numbers = np.zeros(rows.shape, np.int16)
    numbers[usable] = np.rint(rows[usable] / scale[usable, None])
    return numbers, scale


def floats(numbers: FixedArray, scale: Float32Array) -> Float32Array:
    """The rows again, float32 [n, dimensions]."""
    return np.asarray(numbers * scale[:, None], dtype=np.float32)


def product(numbers: FixedArray, scale: Float32Array, vector: Float32Array) -> Float32Array:
    """The rows @ vector, float32 [n], without a wider copy of them; they may be in a mapped file."""
    answers = np.empty(len(numbers), np.float32)
    step = max(1, _BLOCK // max(1, numbers.shape[1]))
    room = np.empty((step, numbers.shape[1]), np.float32)
    for first in range(0, len(numbers), step):
        block = numbers[first : first + step]
        wide = room[: len(block)]
        np.copyto(wide, block)
        np.dot(wide, vector, out=answers[first : first + len(block)])
    return np.asarray(answers * scale, dtype=np.float32)
