"""The end of a run: its outputs and its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mediaml.app.commit import Committer
from mediaml.app.config import RunConfig
from mediaml.app.report import RunReport, Stop
from mediaml.core.errors import NoInputsError, OutputError
from mediaml.engine.messages import ModelDevices
from mediaml.ledger.results import Results
from mediaml.outputs.base import Output
from mediaml.outputs.failures import FailuresJsonl
from mediaml.outputs.jsonl import FILE_NAME, ResultsJsonl
from mediaml.outputs.of_plugins import PluginOutput
from mediaml.pipeline.plan import Planned
from mediaml.registry.entry_points import load_registry


def write_outputs(config: RunConfig, view: Results) -> tuple[Path, list[str]]:
    """Write every output of the whole ledger; returns the path of `results.jsonl`, and what went wrong."""
    outputs: list[Output] = [FailuresJsonl(), ResultsJsonl()]
    for output in outputs:
        output.write(view, config.output)
    problems = []
    for name in config.outputs:
        try:
            PluginOutput(load_registry().find_output(name)).write(view, config.output)
        except OutputError as error:
            problems.append(str(error))
    return config.output / FILE_NAME, problems


def unwritten(folder: Path) -> str:
    """The message of a run that is interrupted while it writes its outputs."""
    results = folder / FILE_NAME
    there = "what is there is of an earlier run" if results.exists() else "there is none"
    return (
        f"interrupted before {results} was written: {there}.\n"
        "Every result is in the ledger; rerun the same command to write it from there and to continue."
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run came to its end.

    Attributes:
        results: `results.jsonl`; `None` where it was not written.
        stopped: why the run ended early; `None` where it came to its end.
        reason: what stopped it or went wrong beside the files, in lines.
    """

    results: Path | None
    stopped: Stop | None
    reason: str


def report_of(
    config: RunConfig,
    met: int,
    planned: Planned,
    committer: Committer,
    view: Results,
    devices: Mapping[str, ModelDevices],
    ending: Ending,
) -> RunReport:
    """What came of a run.

    Args:
        met: number of files that it was asked for. devices: by model, what it runs on.
    """
    failures = tuple(committer.failures())
    failed = {row.source.id for row in failures}
    unfailed = planned.sources.keys() - failed
    # A run that was stopped counts what it was asked for, not only what it came to.
    unmet = met - planned.seen + planned.unidentified if ending.stopped is not None else 0
    return RunReport(
        output=config.output,
        results=ending.results,
        files=len(planned.sources) + unmet,
        failed=len(failed),
        up_to_date=len(set(planned.done) - failed),
        unfinished=len(planned.under_way.keys() - failed) + unmet,
        not_media=planned.not_media,
        copies=planned.copies,
        skipped=dict(planned.unwanted),
        frames=committer.frames,
        elapsed_s=committer.elapsed_s,
        rendered=tuple(committer.rendered),
        found=tuple(committer.found()),
        failures=failures,
        damaged=tuple(row for row in view.damaged() if row[0].id in unfailed),
        devices={name: facts.devices for name, facts in devices.items()},
        stopped=ending.stopped,
        reason=ending.reason,
    )


def require_work(planned: Planned, config: RunConfig) -> None:
    """Refuse a run in which nothing could be looked at.

    Raises:
        NoInputsError: there was no media file that a model of the run accepts.
    """
    if planned.sources:
        return
    skipped = [f"{count} {kind} skipped" for kind, count in planned.unwanted.items()]
    skipped += [f"{planned.copies} annotated copies skipped"] if planned.copies else []
    counts = ", ".join([f"{planned.not_media} files are not media", *skipped])
    raise NoInputsError(
        f"nothing to do: {counts}.",
        f"Selected: {', '.join(config.models)}; `mediaml plugins info NAME` shows what a model accepts.",
    )
