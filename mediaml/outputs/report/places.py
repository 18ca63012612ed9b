"""Where the sources of a report are now: moved, changed since they were read, or missing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from mediaml.core.location import Location, Url
from mediaml.ledger.report_rows import Stamp
from mediaml.outputs.moved import Move

State = Literal["here", "changed", "missing", "url"]


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
