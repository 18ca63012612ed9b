"""The two seams for outputs: formats written from the whole ledger, and media rendered slice by slice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mediaml.core.work import Failure
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import Results


class Output(Protocol):
    """A format that is written from the whole ledger at the end of a run, such as `results.jsonl`."""

    @property
    def name(self) -> str:
        """What selects it."""

    def write(self, results: Results, folder: Path) -> Path | None:
        """Write it into `folder`, atomically; returns its path, `None` where there is nothing to write.

        Raises:
            OutputError: it cannot be written.
        """


@dataclass(frozen=True, slots=True)
class Rendered:
    """The outcome of rendering one source.

    Attributes:
        source: which. target: the file. failure: why it could not be written; `None` where it was.
        dropped: what had to be left out and why, one sentence each.
    """

    source: SourceRow
    target: Path
    failure: Failure | None = None
    dropped: tuple[str, ...] = ()


class SliceOutput(Protocol):
    """Media that are rendered source by source while others are inferred, such as annotated copies.

    Sources are identified by their id in the ledger. All calls come from one thread and return soon; the work
    is done elsewhere, and its outcome is fetched with `finished`.
    """

    @property
    def kind(self) -> str:
        """The name of its files in the ledger."""

    @property
    def pending(self) -> int:
        """Number of sources whose file is still to be written."""

    def target(self, source: SourceRow) -> str | None:
        """Where a source's file goes, under the output folder, `/` between its parts; `None` for no file."""

    def advance(self, source: SourceRow, number: int) -> None:
        """All time slices up to that number are committed, for every model: they may be rendered now."""

    def finish(self, source: SourceRow, target: Path) -> None:
        """All slices are committed: write the file, later."""

    def drop(self, source: int) -> None:
        """No file of this source is wanted; remove what was rendered ahead."""

    def finished(self, *, wait_s: float = 0.0) -> list[Rendered]:
        """What was settled since the last call; waits up to `wait_s` for one."""

    def settle(self, sources: Iterable[int]) -> None:
        """The ledger knows of their files, or none are wanted: remove what was rendered ahead."""

    def close(self) -> None:
        """Drop pending work; an incomplete file is removed. Closing twice does nothing."""
