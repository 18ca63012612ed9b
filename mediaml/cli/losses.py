"""The closing table of a run: what failed, in which stage and why, and what was read in spite of damage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mediaml.cli.table import table
from mediaml.core.media import DecodeAccounts
from mediaml.ledger.view import FailureRow, SourceRow

MOST_SHOWN = 20


def failure_lines(rows: Sequence[FailureRow], results: str) -> Iterator[str]:
    """A table of the first failures, then what to do about them, each advice once.

    Args:
        rows: all that failed. results: where the others can be read.
    """
    if not rows:
        return
    shown = rows[:MOST_SHOWN]
    head = ["failed", "plugin", "stage", "error", "frames", "why"]
    yield from table(head, [_cells(row) for row in shown]).splitlines()
    yield from dict.fromkeys(f"  {line}" for row in shown for line in row.failure.message.splitlines()[1:])
    if len(rows) > len(shown):
        yield f"and {len(rows) - len(shown)} more failures, see {results}"


def damage_lines(damaged: Sequence[tuple[SourceRow, DecodeAccounts]]) -> Iterator[str]:
    """A line for each of the first files that were read to their end although parts of them are damaged."""
    for source, accounts in damaged[:MOST_SHOWN]:
        lost = f"{accounts.corrupt} damaged packets or frames, {accounts.decoded} frames were read"
        yield f"{source.shown}: {lost}"
    if len(damaged) > MOST_SHOWN:
        yield f"and {len(damaged) - MOST_SHOWN} more files with damaged parts"


def _cells(row: FailureRow) -> list[str]:
    first = row.failure.message.splitlines()[0]
    # Most messages begin with the file; saying it twice would hide the reason.
    reason = first.removeprefix(str(row.source.path)).lstrip(": ")
    failure = row.failure
    return [row.source.shown, row.model, failure.stage, failure.type, _accounts(row.accounts), reason]


def _accounts(accounts: DecodeAccounts) -> str:
    """Frames decoded of those that the header claims, then damaged parts and jumps of time, if any."""
    if not accounts.decoded and not accounts.corrupt:
        return "-"
    claimed = "" if accounts.expected is None else f"/{accounts.expected}"
    parts = [f"{accounts.decoded}{claimed}"]
    parts += [f"{accounts.corrupt} damaged"] if accounts.corrupt else []
    parts += [f"{accounts.gaps} gaps"] if accounts.gaps else []
    return ", ".join(parts)
