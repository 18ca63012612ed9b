"""The closing lines of a run: failures, damaged files, totals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mediaml.app.report import RunReport, found_text
from mediaml.cli.shell import Shell
from mediaml.cli.table import table
from mediaml.core.media import DecodeAccounts
from mediaml.core.text import counted
from mediaml.ledger.result_rows import FailureRow, SourceRow

MOST_SHOWN = 20


def print_report(report: RunReport, shell: Shell) -> None:
    """Print the outcome of a run, failures by name."""
    for line in failure_lines(report.failures, str(report.results or report.output)):
        shell.error(line)
    for line in damage_lines(report.damaged):
        shell.warn(line)
    if report.results is not None:
        for found in report.found:
            if found.labels:
                by = f" by {found.model}" if len(report.found) > 1 else ""
                shell.say(f"found{by}: {found_text(found)} in {counted(found.sources, 'file')}")
        shell.say(summary_line(report))
        shell.say(f"results: {report.results}")


def summary_line(report: RunReport) -> str:
    """Counts of files, then frames and speed, in one line."""
    parts = [f"{report.done} of {counted(report.files, 'file')} done"]
    parts += [f"{report.failed} failed"] if report.failed else []
    parts += [f"{report.up_to_date} already up to date"] if report.up_to_date else []
    parts += [f"{report.unfinished} unfinished"] if report.unfinished else []
    parts += [f"{report.not_media} not media"] if report.not_media else []
    parts += (
        [f"{counted(report.copies, 'annotated copy', 'annotated copies')} skipped"] if report.copies else []
    )
    parts += [f"{counted(count, f'{kind} file')} skipped" for kind, count in report.skipped.items()]
    speed = f"{report.frames_per_s:.1f} frames/s"
    same = f" ({report.taken_over} like another)" if report.taken_over else ""
    parts.append(f"{counted(report.frames, 'frame')}{same} in {report.elapsed_s:.1f} s ({speed})")
    parts += [f"{len(report.rendered)} annotated"] if report.rendered else []
    return ", ".join(parts)


def failure_lines(rows: Sequence[FailureRow], results: str) -> Iterator[str]:
    """A table of the first failures, then their hints, each once.

    Args:
        rows: all that failed. results: where the others can be read.
    """
    if not rows:
        return
    shown = rows[:MOST_SHOWN]
    head = ["failed", "model", "stage", "error", "frames", "why"]
    yield from table(head, [_cells(row) for row in shown]).splitlines()
    yield from dict.fromkeys(f"  {line}" for row in shown for line in row.failure.message.splitlines()[1:])
    if len(rows) > len(shown):
        yield f"and {counted(len(rows) - len(shown), 'more failure')}, see {results}"


def damage_lines(damaged: Sequence[tuple[SourceRow, DecodeAccounts]]) -> Iterator[str]:
    """A line for each of the first files that were read to the end in spite of damage."""
    for source, accounts in damaged[:MOST_SHOWN]:
        lost = f"{accounts.corrupt} damaged, {counted(accounts.decoded, 'frame')} decoded"
        yield f"{source.shown}: {lost}"
    if len(damaged) > MOST_SHOWN:
        yield f"and {counted(len(damaged) - MOST_SHOWN, 'more file')} with damage"


def _cells(row: FailureRow) -> list[str]:
    first = row.failure.message.splitlines()[0]
    # Most messages begin with the file; saying it twice would hide the reason.
    reason = first.removeprefix(str(row.source.path)).lstrip(": ")
    failure = row.failure
    return [row.source.shown, row.part, failure.stage, failure.type, _accounts(row.accounts), reason]


def _accounts(accounts: DecodeAccounts) -> str:
    """Frames decoded of those that the header claims, then damaged parts and jumps of time, if any."""
    if not accounts.decoded and not accounts.corrupt:
        return "-"
    claimed = "" if accounts.expected is None else f"/{accounts.expected}"
    parts = [f"{accounts.decoded}{claimed}"]
    parts += [f"{accounts.corrupt} damaged"] if accounts.corrupt else []
    parts += [counted(accounts.gaps, "gap")] if accounts.gaps else []
    return ", ".join(parts)
