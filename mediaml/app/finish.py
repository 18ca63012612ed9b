"""The end of a run: its outputs and its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mediaml.app.commit import Committer
from mediaml.app.config import RunConfig
from mediaml.app.report import RunReport, Stop
from mediaml.core.errors import NoInputsError, OutputError
from mediaml.core.text import counted
from mediaml.engine.messages import ModelDevices
from mediaml.ledger.results import Results
from mediaml.outputs.base import Output
from mediaml.outputs.by_name import output_of
from mediaml.outputs.failures import FailuresJsonl
from mediaml.outputs.jsonl import FILE_NAME, ResultsJsonl
from mediaml.pipeline.plan import Planned
from mediaml.registry.entry_points import load_registry
from mediaml.registry.plugin_file import plugin_files


def write_outputs(config: RunConfig, view: Results) -> tuple[Path, list[str]]:
    """Write every output of the whole ledger; returns the path of `results.jsonl`, and the errors."""
    outputs: list[Output] = [FailuresJsonl(), ResultsJsonl()]
    for output in outputs:
        output.write(view, config.output)
    problems = []
    for name in config.outputs:
        if name == ResultsJsonl.name:
            continue  # it is written anyway
        try:
            output_of(name, load_registry(files=plugin_files(config.models))).write(view, config.output)
        except OutputError as error:
            problems.append(str(error))
    return config.output / FILE_NAME, problems


def unwritten(folder: Path) -> str:
    """The message of a run that is interrupted while it writes its outputs."""
    results = folder / FILE_NAME
    there = "the file there is from an earlier run" if results.exists() else "it does not exist yet"
    return (
        f"interrupted before {results} was written: {there}.\n"
        "All results so far are in the ledger; rerun the same command to continue and to write it."
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes:
        results: `results.jsonl`; `None` where it was not written.
        stopped: why the run ended early; `None` where it did not.
        reason: what stopped it, or what failed other than files, in lines.
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
    """The outcome of a run.

    Args:
        met: number of input files. devices: by model, what it runs on.
    """
    failures = tuple(committer.failures())
    failed = {row.source.id for row in failures}
    unfailed = planned.sources.keys() - failed
    # A stopped run counts all of its inputs, not only those that it reached.
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
        taken_over=committer.taken_over,
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
    """Raise if no file was accepted; a shard may well have none.

    Raises:
        NoInputsError: there was no media file that a model of the run accepts.
    """
    if planned.sources or config.selection.shard is not None:
        return
    skipped = [f"{counted(count, f'{kind} file')} skipped" for kind, count in planned.unwanted.items()]
    if planned.copies:
        skipped.append(f"{counted(planned.copies, 'annotated copy', 'annotated copies')} skipped")
    counts = ", ".join([f"{counted(planned.not_media, 'file')} not media", *skipped])
    raise NoInputsError(
        f"nothing to do: {counts}.",
        f"Selected: {', '.join(config.models)}; `mediaml plugins info NAME` shows what a model accepts.",
    )
