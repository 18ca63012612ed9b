"""The run itself: ledger, planner, workers and outputs, until all is done or somebody stops it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.exceptions import Exit

from mediaml.cli.job import Request
from mediaml.cli.patience import TooManyFailures
from mediaml.cli.progress import Progress
from mediaml.cli.shell import INTERRUPTED, Shell
from mediaml.cli.sink import Sink
from mediaml.cli.versions import versions
from mediaml.core.errors import NoInputsError
from mediaml.core.media import Kind
from mediaml.core.work import Source
from mediaml.engine.local.messages import ModelDevices
from mediaml.engine.local.supervisor import Supervisor
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import sole_writer
from mediaml.outputs.failures import write_failures
from mediaml.outputs.jsonl import FILE_NAME, write_results
from mediaml.outputs.render.copies import Copies
from mediaml.pipeline.models import ResolvedModel, resolved_view
from mediaml.pipeline.plan import Planned, Planner
from mediaml.pipeline.stream import SLICE_S


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is ready to begin.

    Attributes:
        request: what was typed. supervisor: has loaded its models. copies: draws; `None` for nothing to draw.
        models: in the order of the run. facts: what each runs on, by its name. sources: what to look at.
        hold: see `Interrupts.held`.
    """

    request: Request
    supervisor: Supervisor
    copies: Copies | None
    models: Sequence[ResolvedModel]
    facts: Mapping[str, ModelDevices]
    sources: Sequence[Source]
    hold: Callable[[], AbstractContextManager[None]]


def carry_out(run: Run, shell: Shell) -> int:
    """Have the sources answered into the ledger, derive the outputs, report; returns the exit code.

    Raises:
        Exit: it was interrupted before the results were written, and has said so.
        OutputError: the output folder cannot be used, or is being used by another process.
        NoInputsError: none of the sources is media that a chosen model looks at.
    """
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(run.request.output))
        stack.enter_context(sole_writer(run.request.output))
        number = ledger.begin_run(_header(run.facts))
        code = _fill(ledger, run, shell)
        ledger.end_run(number)
    return code


def _fill(ledger: Ledger, run: Run, shell: Shell) -> int:
    request, supervisor, copies = run.request, run.supervisor, run.copies
    planner = Planner(
        ledger,
        [(model, _add_model(ledger, model, run.facts[model.spec.name].labels)) for model in run.models],
        kinds=frozenset(Kind(kind) for kind in request.kinds),
        force=request.force,
        hashed=request.hashed,
        only_failed=request.only_failed,
        emit=supervisor.emit,
    )
    with ExitStack() as stack:
        view = stack.enter_context(open_results(request.output))
        if copies is not None:
            copies.begin(request.output, request.limits, SLICE_S)
        progress = stack.enter_context(Progress(len(run.sources), shell))
        sink = stack.enter_context(
            Sink(
                ledger,
                view,
                planner.planned,
                copies=copies,
                progress=progress,
                shell=shell,
                stream=request.jsonl,
                patience=request.patience,
                hold=run.hold,
            )
        )
        try:
            stopped = _work(supervisor, planner, run.sources, sink, shell)
            progress.close()
            if stopped is None:
                _nothing_done(planner.planned, request)
            write_failures(view, request.output)
            results = write_results(view, request.output)
        except KeyboardInterrupt as interrupt:
            shell.error(_unwritten(request.output))
            raise Exit(INTERRUPTED) from interrupt
        failed = sink.report(results)
    return int(failed > 0) if stopped is None else stopped


def _add_model(ledger: Ledger, model: ResolvedModel, labels: Sequence[str]) -> int:
    return ledger.add_model(model.identity, resolved_view(model, labels), labels)


def _unwritten(folder: Path) -> str:
    """What a run says that is interrupted in its last steps, where nobody waits for them."""
    results = folder / FILE_NAME
    there = "what is there is of an earlier run" if results.exists() else "there is none"
    return (
        f"interrupted before {results} was written: {there}.\n"
        "Every answer is in the ledger; the same command again writes it from there and goes on from here."
    )


def _work(
    supervisor: Supervisor, planner: Planner, sources: Sequence[Source], sink: Sink, shell: Shell
) -> int | None:
    """Commit what the workers answer until all is done; the exit code of a run that was stopped before."""
    try:
        for _ in supervisor.turns(planner.jobs(sources), planner):
            sink.commit(supervisor.take)
        sink.replay(planner.planned.done)
        sink.wait_for_copies()
    except (KeyboardInterrupt, TooManyFailures) as stop:
        supervisor.close()
        sink.commit(supervisor.take, stopping=True)
        shell.error(str(stop) or "interrupted; the same command again goes on from here.")
        return 1 if isinstance(stop, TooManyFailures) else INTERRUPTED
    return None


def _header(facts: Mapping[str, ModelDevices]) -> dict[str, Any]:
    return {
        "versions": versions(),
        "devices": {name: list(fact.devices) for name, fact in facts.items()},
    }


def _nothing_done(planned: Planned, request: Request) -> None:
    if not planned.sources:
        unwanted = sum(planned.unwanted.values())
        raise NoInputsError(
            f"nothing to do: {planned.not_media} files are not media, {unwanted} are of a kind not wanted.",
            f"Chosen: {', '.join(request.plugins)}; `mediaml plugins info NAME` says what a plugin looks at.",
        )
