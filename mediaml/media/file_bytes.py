"""Bytes of a file at places that its structure names, never beyond its end."""

from __future__ import annotations

import os
from typing import BinaryIO


class FileBytes:
    """A file open for reading in binary mode, as bytes at offsets; the place where it is read next is lost.

    Attributes:
        size: bytes in all.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)

    def at(self, offset: int, count: int) -> bytes:
        """So many bytes from an offset on; fewer where the file ends."""
        self._file.seek(max(0, offset))
        return self._file.read(count)

    def tail(self, count: int) -> tuple[int, bytes]:
        """The last bytes, and the offset at which they begin."""
        start = max(0, self.size - count)
        return start, self.at(start, count)

    def big(self, offset: int, count: int) -> int | None:
        """A big-endian unsigned number; `None` behind the end."""
        data = self.at(offset, count)
        return int.from_bytes(data, "big") if len(data) == count else None

    def little(self, offset: int, count: int) -> int | None:
        """A little-endian unsigned number; `None` behind the end."""
        data = self.at(offset, count)
        return int.from_bytes(data, "little") if len(data) == count else None
