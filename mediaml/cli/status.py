"""`mediaml status`: the progress of an output folder, read-only."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.shell import echo_json, noise_options
from mediaml.cli.table import table
from mediaml.core.text import counted
from mediaml.ledger.schema import FILE_NAME

if TYPE_CHECKING:
    from mediaml.core.media import Kind
    from mediaml.ledger.progress import ProgressRow
    from mediaml.ledger.results import Results

_MOST_FAILURES_SHOWN, _RUNS_SHOWN = 20, 3
_SORTS = ("ledger", "results", "copies and other files")


@click.command("status")
@click.argument("folder", type=click.Path(path_type=Path), default="mediaml-out")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--repair", "repairs", is_flag=True, help="Keep what is sound of a damaged ledger.")
@noise_options
def command(folder: Path, as_json: bool, repairs: bool) -> None:
    """Show how many files of an output folder are done, failed, in progress, stale or missing, per model.

    Stale files were processed by another plugin version, or have changed or been deleted since. Nothing is
    written, and no media file is read, unless --repair is given.

    \b
    Example:
      mediaml status out
    """
    from mediaml.core.errors import UsageError
    from mediaml.ledger.recognise import has_ledger
    from mediaml.ledger.results import open_results

    if not has_ledger(folder):
        raise UsageError(f"{folder} holds no ledger.", "Name the folder that was given to `mediaml run -o`.")
    if repairs:
        _repair(folder)
    with open_results(folder) as view:
        if as_json:
            echo_json(_record(view))
            return
        click.echo("\n".join([_progress(view), _sizes(folder), _runs(view), *_behind(view, folder)]))
        failures = _failures(view)
    if failures:
        click.echo(failures)


def _repair(folder: Path) -> None:
    """Repair the ledger and say what came of it, on stderr."""
    from mediaml.ledger.repair import repair

    done = repair(folder)
    if done.lost:
        click.echo(
            f"pictures of {counted(done.lost, 'task')} are missing or damaged; the next run does them again.",
            err=True,
        )
    if done.damaged is None and done.lost:
        return
    if done.damaged is None:
        click.echo(f"{folder / FILE_NAME} is not damaged; nothing was changed.", err=True)
        return
    click.echo(
        f"{folder / FILE_NAME} was damaged: {done.problem}.\n"
        f"{counted(done.kept, 'task')} kept, {done.dropped} to be done again by the next run.\n"
        f"The damaged ledger is kept as {done.damaged}.",
        err=True,
    )


def _record(view: Results) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "models": [asdict(row) for row in _rows(view)],
        "runs": [asdict(run) for run in view.runs()],
        "failures": [
            {
                "source": row.source.shown,
                "model": row.model,
                "output": row.output,
                "stage": row.failure.stage,
                "type": row.failure.type,
                "message": row.failure.message,
            }
            for row in view.failures()
        ],
    }


def _rows(view: Results) -> list[ProgressRow]:
    from mediaml.registry.entry_points import load_registry

    offers = tuple(load_registry().offers())
    known = {offer.spec.name: offer.spec for offer in offers}
    installed = {offer.plugin.module: offer.plugin.version for offer in offers}

    def reads(name: str, kind: Kind) -> bool:
        return name not in known or known[name].reads(kind) is not None

    def outdated(plugin: str, version: str) -> bool:
        return installed.get(plugin, version) != version

    return view.progress(reads, outdated)


def _progress(view: Results) -> str:
    head = ["model", "done", "failed", "in progress", "stale", "missing", "frames"]
    rows = _rows(view)
    cells = [[row.model, *map(str, astuple(row)[1:7])] for row in rows]
    if any(row.identity for row in rows):
        head.append("weights, options")
        cells = [
            [*line, f"{row.identity}{'' if row.current else ' (earlier)'}"]
            for line, row in zip(cells, rows, strict=True)
        ]
    return table(head, cells)


def _sizes(folder: Path) -> str:
    """Bytes by kind of file: derived files can be recreated, the ledger cannot."""
    sizes: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size:
            sizes[_sort_of(path.relative_to(folder))] += path.stat().st_size
    return f"{folder}: " + ", ".join(f"{sort} {sizes[sort] / 1e6:.1f} MB" for sort in _SORTS if sizes[sort])


def _sort_of(path: Path) -> str:
    if len(path.parts) == 1 and path.name.startswith(FILE_NAME):
        return "ledger"
    return "results" if path.name in ("results.jsonl", "failures.jsonl") else "copies and other files"


def _runs(view: Results) -> str:
    runs = view.runs()
    lines = [counted(len(runs), "run") + (f", the last {_RUNS_SHOWN}:" if len(runs) > _RUNS_SHOWN else ":")]
    for run in runs[-_RUNS_SHOWN:]:
        line = f"  {_moment(run.started_at)} to {_moment(run.finished_at) or 'interrupted'}"
        if run.frames is not None and run.seconds:
            speed = f"{run.frames / run.seconds:.1f} frames/s"
            line += f": {counted(run.frames, 'frame')} in {run.seconds:.1f} s ({speed})"
        lines.append(line)
    return "\n".join(lines)


def _moment(text: str | None) -> str:
    """A moment in UTC, without the zone: `2026-11-28T09:48:05`."""
    return (text or "").removesuffix("+00:00")


def _behind(view: Results, folder: Path) -> list[str]:
    """A line where the last run has not written its results."""
    from datetime import datetime

    from mediaml.outputs.jsonl import FILE_NAME as RESULTS

    runs, results = view.runs(), folder / RESULTS
    if not runs or runs[-1].finished_at:
        return []
    begun = datetime.fromisoformat(runs[-1].started_at).timestamp()
    if results.exists() and results.stat().st_mtime >= begun:
        return []
    lacks = "is from an earlier run" if results.exists() else "is missing"
    return [
        f"{RESULTS} {lacks}: the last run is in progress or was interrupted; rerun its command to write it"
    ]


def _failures(view: Results) -> str:
    rows = [
        [row.source.shown, row.part, row.failure.stage, row.failure.message.splitlines()[0]]
        for row in view.failures()
    ]
    shown = table(["failed", "model", "stage", "why"], rows[:_MOST_FAILURES_SHOWN]) if rows else ""
    more = len(rows) - _MOST_FAILURES_SHOWN
    return f"{shown}\nand {more} more" if more > 0 else shown
