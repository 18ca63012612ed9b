"""The items of a JSON array or object, written one by one."""

from __future__ import annotations

from typing import IO, Any

import msgspec


class JsonItems:
    """Writes items after what its file holds already, with commas between them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.length = file, 0

    def add(self, item: Any) -> None:
        """Write the next item of an array."""
        self._write(msgspec.json.encode(item))

    def put(self, key: str, value: Any) -> None:
        """Write the next item of an object."""
        self._write(msgspec.json.encode(key) + b":" + msgspec.json.encode(value))

    def _write(self, text: bytes) -> None:
        self._file.write((b",\n" if self.length else b"\n") + text)
        self.length += 1
