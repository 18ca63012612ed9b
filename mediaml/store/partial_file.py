"""An incomplete file: it grows beside its place and is moved there when it is verified."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec


class _Note(msgspec.Struct, frozen=True):
    url: str
    etag: str


@dataclass(frozen=True, slots=True)
class PartialFile:
    """The part of a file that is downloaded so far. The next process continues where a killed one stopped.

    Attributes:
        target: where the file will be.
    """

    target: Path

    @property
    def path(self) -> Path:
        """The bytes so far."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def _note(self) -> Path:
        return self.target.with_name(self.target.name + ".part.json")

    @property
    def size(self) -> int:
        """Number of bytes so far."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def etag(self, url: str) -> str:
        """The strong entity tag under which `url` gave these bytes; empty where there is none."""
        try:
            note = msgspec.json.decode(self._note.read_bytes(), type=_Note)
        except (FileNotFoundError, msgspec.DecodeError):
            return ""
        strong = note.etag.startswith('"')
        return note.etag if note.url == url and strong else ""

    def begin(self, url: str, etag: str) -> None:
        """Discard what is there and note where the next bytes come from."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._note.write_bytes(msgspec.json.encode(_Note(url, etag)))

    def discard(self) -> None:
        """Remove all files."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self) -> None:
        """Move the complete, verified file to its place in one step."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)
