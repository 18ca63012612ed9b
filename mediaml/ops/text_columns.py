"""Numbers and texts as columns of characters: many lines of text without a Python object for each.

A column of characters is uint8 [n, width], UTF-8 per line; `PAD`, a byte that UTF-8 never has, stands where a
line has no character. Columns put side by side and freed of `PAD` are the lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import UInt8Array

PAD = 0xFF
"""A byte without a character."""
Part = tuple[UInt8Array, NDArray[np.intp] | None]
"""A column, and which row of it each line has, `None` for row i in line i. One row is that of all lines."""
_ZERO = ord("0")
_PIECE = 1 << 20  # characters that are joined at once; they stay in the processor's cache


def texts(values: Sequence[str]) -> UInt8Array:
    """Texts as they are; what UTF-8 cannot say raises `UnicodeEncodeError`."""
    encoded = [value.encode() for value in values]
    width = max(map(len, encoded), default=0)
    padded = b"".join(one.ljust(width, bytes([PAD])) for one in encoded)
    return np.frombuffer(padded, np.uint8).reshape(len(encoded), width)


def whole(numbers: NDArray[np.int64]) -> UInt8Array:
    """Whole numbers in decimal notation."""
    return _signed(numbers, _digits(np.abs(numbers), 1))


def whole_or_nothing(numbers: NDArray[np.int64], nothing: int) -> UInt8Array:
    """As `whole`; no character for those that are `nothing`."""
    column = whole(np.where(numbers == nothing, 0, numbers))
    column[numbers == nothing] = PAD
    return column


def decimals(numbers: NDArray[np.int64], places: int) -> UInt8Array:
    """Numbers of units of 10 ** -places, shortest: at least one digit before and after the point.

    Args:
        places: 1 or more.
    """
    size = np.abs(numbers)
    unit = 10**places
    before = _digits(size // unit, 1)
    after = _digits(size % unit, places)
    # Zeros at the end go; the first place stays.
    kept = np.logical_or.accumulate(after[:, ::-1] != _ZERO, axis=1)[:, ::-1]
    after[:, 1:][~kept[:, 1:]] = PAD
    point = np.full((len(size), 1), ord("."), np.uint8)
    return _signed(numbers, np.concatenate([before, point, after], axis=1))


def _digits(numbers: NDArray[np.int64], least: int) -> UInt8Array:
    """Numbers from 0 on; the first `least` places from the right have zeros, others none in front."""
    largest = int(numbers.max(initial=0))
    width = max(least, len(str(largest)))
    left: NDArray[np.unsignedinteger] = numbers.astype(np.uint32 if largest < 1 << 32 else np.uint64)
    columns = np.empty((len(numbers), width), np.uint8)
    for place in range(width - 1, -1, -1):
        rest = left // 10
        columns[:, place] = left - rest * 10 + _ZERO
        if place < width - least:
            columns[left == 0, place] = PAD
        left = rest
    return columns


def _signed(numbers: NDArray[np.int64], column: UInt8Array) -> UInt8Array:
    if numbers.min(initial=0) >= 0:
        return column
    signs = np.where(numbers < 0, ord("-"), PAD).astype(np.uint8)
    return np.concatenate([signs[:, None], column], axis=1)


def joined(parts: Sequence[Part], count: int) -> Iterator[bytes]:
    """Lines made of columns side by side, each ended by a line feed, in pieces of about a megabyte.

    Args:
        parts: see `Part`. count: number of lines.
    """
    parts = (*parts, (texts(["\n"]), None))
    step = max(1, _PIECE // sum(column.shape[1] for column, _ in parts))
    for start in range(0, count, step):
        flat = side_by_side(parts, slice(start, min(count, start + step))).ravel()
        yield flat[flat != PAD].tobytes()


def side_by_side(parts: Sequence[Part], lines: slice) -> UInt8Array:
    """Some lines of several columns as one column."""
    widths = [column.shape[1] for column, _ in parts]
    place, all_ = 0, np.empty((lines.stop - lines.start, sum(widths)), np.uint8)
    for (column, rows), width in zip(parts, widths, strict=True):
        shown = column if len(column) == 1 else column[lines] if rows is None else column[rows[lines]]
        all_[:, place : place + width] = shown
        place += width
    return all_
