"""Merges output folders, such as those of the shards of one scan, into one; no model is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mediaml.core.errors import OutputError, UsageError
from mediaml.ledger.integrity import UNREADABLE
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.merge import Conflict, Taken
from mediaml.ledger.recognise import has_ledger
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME, connect, sole_writer
from mediaml.ledger.trouble import ledger_error
from mediaml.outputs.failures import FailuresJsonl
from mediaml.outputs.jsonl import write_results
from mediaml.pipeline.patterns import path_key


@dataclass(frozen=True, slots=True)
class MergeReport:
    """The outcome of a merge.

    Attributes:
        taken: what came from each folder, in order.
        sources: number of sources in the merged ledger.
        conflicts: where the folders do not agree.
        results: the `results.jsonl` that was written.
    """

    taken: tuple[tuple[Path, Taken], ...]
    sources: int
    conflicts: tuple[Conflict, ...]
    results: Path


def merge_folders(
    folders: Sequence[Path], target: Path, done: Callable[[Path, Taken], None] = lambda _, __: None
) -> MergeReport:
    """Merge the ledgers of output folders into that of another, and write its `results.jsonl`.

    Sources come in the order in which a scan of their folders meets them. A folder that a run is still
    writing to is taken as far as it is; merging it again adds the rest. What the target holds already stays.

    Args:
        target: the output folder to write; made where it is new.
        done: called after each folder.

    Raises:
        UsageError: nothing but the target is named.
        OutputError: one of the folders holds no ledger, or a damaged one, or the target cannot be written.
    """
    chosen = _chosen(folders, target)
    taken = []
    with Ledger(target) as ledger, sole_writer(target):
        for folder in chosen:
            one = _take(ledger, folder)
            taken.append((folder, one))
            done(folder, one)
        ledger.merge.order(path_key)
    with open_results(target, checked=False) as view:
        FailuresJsonl().write(view, target)
        results = write_results(view, target)
        sources = sum(1 for _ in view.sources())
    conflicts = tuple(conflict for _, one in taken for conflict in one.conflicts)
    return MergeReport(tuple(taken), sources, conflicts, results)


def _chosen(folders: Sequence[Path], target: Path) -> list[Path]:
    """The folders, each once, without the target."""
    known = {target.resolve()}
    chosen = []
    for folder in folders:
        if not has_ledger(folder):
            raise OutputError(f"{folder} holds no ledger.", "Name folders given to `mediaml run -o`.")
        if folder.resolve() not in known:
            known.add(folder.resolve())
            chosen.append(folder)
    if not chosen:
        raise UsageError(f"nothing to merge into {target}.", "Name other output folders.")
    return chosen


def _take(ledger: Ledger, folder: Path) -> Taken:
    path = folder / FILE_NAME
    with closing(connect(folder, readonly=True, checked=True)) as other:
        try:
            other.execute("BEGIN")
            return ledger.merge.take(other, folder)
        except UNREADABLE as error:
            raise ledger_error(path, error, "read") from error
