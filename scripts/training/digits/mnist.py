"""MNIST from its four canonical files, and the split that keeps the test digits out of every choice."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HELD_OUT = 5_000  # of the training digits, for choices; the test digits are for the last figure only
MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}


@dataclass(frozen=True, slots=True)
class Digits:
    """Digits with their names: images uint8 [n, 28, 28], labels int64 [n]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An array from a gzipped IDX file of bytes.

    Raises:
        ValueError: the file is not the canonical one, by its MD5.
    """
    packed = path.read_bytes()
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != MD5[path.name]:
        raise ValueError(f"{path} is not the canonical MNIST file; fetch it again")
    raw = gzip.decompress(packed)
    axes = raw[3]
    shape = np.frombuffer(raw, ">i4", count=axes, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(tuple(shape))


def read_digits(folder: Path, part: str) -> Digits:
    """`train` (60 000) or `t10k` (10 000) of the folder that holds the four files."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return Digits(images, labels.astype(np.int64))


def split(digits: Digits, seed: int) -> tuple[Digits, Digits]:
    """Digits to learn from, and `HELD_OUT` others to choose by, drawn by `seed`."""
    order = np.random.default_rng(seed).permutation(len(digits))
    held, rest = order[:HELD_OUT], np.sort(order[HELD_OUT:])
    return (
        Digits(digits.images[rest], digits.labels[rest]),
        Digits(digits.images[held], digits.labels[held]),
    )
