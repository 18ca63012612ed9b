"""Sources that were moved since they were read, as `--root` says."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mediaml.core.errors import UsageError
from mediaml.core.location import Location, location_of
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import Results


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


def moved_sources(results: Results, root: str) -> list[SourceRow]:
    """The sources that results show, where they are now.

    Args:
        root: see `Move.of`; empty where they were not moved.

    Raises:
        UsageError: `root` does not fit.
    """
    sources = list(results.sources())
    if not root:
        return sources
    paths = [
        location_of(os.fsdecode(row[0])) for row in results.connection.execute("SELECT path FROM source")
    ]
    move = Move.of(root, paths)
    return [
        replace(source, path=move.apply(source.path)) if isinstance(source.path, Path) else source
        for source in sources
    ]
