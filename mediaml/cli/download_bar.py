"""The model store of a command, with `--offline` and a progress bar for downloads."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mediaml.cli.shell import Shell

if TYPE_CHECKING:
    from mediaml.registry.entry_points import Registry
    from mediaml.store.store import Store


def store_of(shell: Shell, registry: Registry | None = None) -> Store:
    """The store of this process; see `open_store`."""
    from mediaml.app.environment import open_store

    return open_store(BarWatcher(shell), registry, offline=shell.offline)


class BarWatcher:
    """Reports downloads on stderr, with a progress bar where stderr is a terminal.

    Args:
        shell: a quiet one says nothing.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._bar: Any = None

    def say(self, text: str) -> None:
        """One informational line."""
        self._shell.say(text)

    def begin(self, name: str, size: int | None, have: int) -> None:
        """Show a bar for a file, where there is a terminal to show it on."""
        if self._shell.quiet or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        self._bar = tqdm(
            desc=name,
            total=size,
            initial=have,
            unit="B",
            unit_scale=True,
            file=sys.stderr,
            dynamic_ncols=True,
        )

    def reached(self, have: int) -> None:
        """Move the bar; back, where the server began again."""
        if self._bar is None:
            return
        if have < self._bar.n:
            self._bar.reset(self._bar.total)
        self._bar.update(have - self._bar.n)

    def end(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
