"""A folder of extracted files with an index; only files of an index are ever replaced."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from mediaml.core.atomic_file import write_atomically
from mediaml.core.errors import OutputError
from mediaml.ledger.recognise import PIECES

INDEX = "index.jsonl"
"""One line per file: `file`, its path below the folder, and what it shows."""
_LONGEST = 60


class Collection:
    """The files that one extraction writes.

    Args:
        folder: where they go.
        overwrite: replace those of an earlier extraction.

    Raises:
        OutputError: the folder holds files, and they are not to be replaced.
    """

    def __init__(self, folder: Path, *, overwrite: bool) -> None:
        self.folder = folder
        self._entries: list[dict[str, Any]] = []
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            if not overwrite:
                raise OutputError(
                    f"{folder} exists already.", "--overwrite replaces its files; -o names another folder."
                )
            self._remove_earlier()

    def names(self) -> list[str]:
        """The files that were written, by their paths below the folder."""
        return [entry["file"] for entry in self._entries]

    def add(self, name: str, **facts: Any) -> None:
        """Note a file that was written, by its path below the folder, and what it shows."""
        if not self._entries:  # also a folder that is never finished is known
            write_atomically(self.folder / PIECES, b"1")
        self._entries.append({"file": name, **facts})

    def finish(self) -> None:
        """Write the index, and the file by which later runs leave the folder out.

        Raises:
            OutputError: it cannot be written.
        """
        lines = [msgspec.json.encode(entry) + b"\n" for entry in self._entries]
        write_atomically(self.folder / INDEX, b"".join(lines))
        write_atomically(self.folder / PIECES, str(len(lines)).encode())

    def _remove_earlier(self) -> None:
        """Remove the files that the index of an earlier extraction lists."""
        try:
            lines = (self.folder / INDEX).read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            with suppress(msgspec.DecodeError, OSError, ValueError):
                name = PurePosixPath(msgspec.json.decode(line, type=dict[str, Any])["file"])
                if not name.is_absolute() and ".." not in name.parts:
                    (self.folder / name).unlink()


def part_of_name(label: str) -> str:
    """A label as a part of a file's name: letters, digits, `-` and `_`, at most 60 of them."""
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in label)[:_LONGEST] or "_"
