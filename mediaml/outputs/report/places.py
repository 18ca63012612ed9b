"""Where the sources of a report are now: moved, changed since they were read, or missing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from mediaml.core.errors import UsageError
from mediaml.core.location import Location, Url
from mediaml.ledger.report_rows import Stamp

State = Literal["here", "changed", "missing", "url"]


@dataclass(frozen=True, slots=True)
class Move:
    """Sources below one folder that are now below another.

    Attributes:
        old: the folder in the ledger. new: where it is now.
    """

    old: Path
    new: Path

    @classmethod
    def of(cls, text: str, paths: Iterable[Location]) -> Move:
        """What `--root` says: `NEW`, or `OLD=NEW`; the old folder is by default the one that holds them all.

        Raises:
            UsageError: the new folder does not exist, or no source is below the old one.
        """
        local = [path for path in paths if isinstance(path, Path)]
        old, mark, new = text.partition("=")
        if not mark or Path(text).is_dir():
            old, new = _common(local), text
        if not Path(new).is_dir():
            raise UsageError(f"--root {new} is not a folder.", "Name the folder that holds the sources now.")
        move = cls(Path(old).absolute(), Path(new).absolute())
        if not any(path.is_relative_to(move.old) for path in local):
            raise UsageError(
                f"--root: no source is below {move.old}.", f"They are below {_common(local) or 'no folder'}."
            )
        return move

    def apply(self, path: Path) -> Path:
        """Where a file is now; one that is not below the old folder is where it was."""
        return self.new / path.relative_to(self.old) if path.is_relative_to(self.old) else path


def _common(paths: list[Path]) -> str:
    """The folder that holds all files; empty where there is none."""
    try:
        return os.path.commonpath([path.parent for path in paths]) if paths else ""
    except ValueError:  # on several drives
        return ""


@dataclass(frozen=True, slots=True)
class Place:
    """A source's file now.

    Attributes:
        state: whether it is the file that was read.
        path: the file; `None` where it is missing or a URL.
    """

    state: State
    path: Path | None = None


def place_of(location: Location, stamp: Stamp, move: Move | None) -> Place:
    """Find a source's file and compare it with what was read, by size and time of modification.

    A file that was moved as `--root` says may have a new time, which copying gives it: its size counts.
    """
    if isinstance(location, Url):
        return Place("url")
    path = location if move is None else move.apply(location)
    try:
        now = path.stat()
    except OSError:
        return Place("missing")
    moved = path != location
    same = now.st_size == stamp.size and (moved or bool(stamp.digest) or now.st_mtime_ns == stamp.mtime_ns)
    return Place("here" if same else "changed", path)


def href(path: Path, folder: Path) -> str:
    """A URL of a file, relative to the folder of the page; whatever bytes are in its name."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # on another drive
        return path.absolute().as_uri()
    return "/".join(quote(os.fsencode(part)) for part in Path(relative).parts)
