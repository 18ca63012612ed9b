"""Who is told how a pull goes. The store itself never writes to a terminal."""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """Told what happens; called in the thread that pulls."""

    def say(self, text: str) -> None:
        """One line of news."""

    def begin(self, name: str, size: int | None, have: int) -> None:
        """A file of `size` bytes is fetched, `have` of which are here; ends with `end`."""

    def reached(self, have: int) -> None:
        """So many bytes are here now; fewer than before where the server began again."""

    def end(self) -> None:
        """Nothing more of this file."""


class SilentWatcher:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """Nothing."""

    def begin(self, name: str, size: int | None, have: int) -> None:
        """Nothing."""

    def reached(self, have: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""
