"""Compact columns of numbers, and how they are written into the page."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Iterator
from typing import IO, Any, Literal

Code = Literal["B", "H", "I", "f"]
"""Types of `array`, which the page reads as Uint8Array, Uint16Array, Uint32Array and Float32Array."""
MOST_SMALL = (1 << 16) - 1
_PIECE = 3 << 18  # a multiple of 3 bytes: the base64 of pieces can be joined


class Columns:
    """Named columns that grow together.

    Args:
        codes: the type of each, by name.
    """

    def __init__(self, **codes: Code) -> None:
        self.by_name: dict[str, array[Any]] = {name: array(code) for name, code in codes.items()}

    def __getitem__(self, name: str) -> array[Any]:
        return self.by_name[name]

    def write(self, file: IO[bytes]) -> None:
        """Write every column as a `<script type="text/plain">` element that holds its bytes in base64."""
        for name, values in self.by_name.items():
            head = (
                f'<script type="text/plain" class="column" data-name="{name}" data-type="{values.typecode}">'
            )
            file.write(head.encode("ascii"))
            for piece in _pieces(values):
                file.write(base64.b64encode(piece))
            file.write(b"</script>\n")


def _pieces(values: array[Any]) -> Iterator[bytes]:
    """The bytes of a column, little-endian."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    view = memoryview(values).cast("B")
    for start in range(0, len(view), _PIECE):
        yield bytes(view[start : start + _PIECE])


def small(code: int) -> Code:
    """The type for numbers up to this."""
    return "H" if code <= MOST_SMALL else "I"
