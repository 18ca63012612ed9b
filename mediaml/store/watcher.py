"""Receives the progress of downloads. The store itself never writes to a terminal."""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """Called in the thread that downloads."""

    def say(self, text: str) -> None:
        """One informational line."""

    def begin(self, name: str, size: int | None, have: int) -> None:
        """A file of `size` bytes is fetched, `have` of which are here; ends with `end`."""

    def reached(self, have: int) -> None:
        """So many bytes are here now; fewer than before where the server began again."""

    def end(self) -> None:
        """Nothing more of this file."""


class SilentWatcher:
    """Ignores everything."""

    def say(self, text: str) -> None:
        """Nothing."""

    def begin(self, name: str, size: int | None, have: int) -> None:
        """Nothing."""

    def reached(self, have: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""
