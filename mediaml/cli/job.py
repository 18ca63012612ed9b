"""Carries out `mediaml run`: plugins and models, ledger, pipeline, outputs, and what is said at the end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mediaml.cli.notices import tell_bundled, tell_devices, tell_reasons, tell_urls
from mediaml.cli.patience import Patience, TooManyFailures
from mediaml.cli.progress import Progress
from mediaml.cli.prompts import prompt_assignments
from mediaml.cli.pulling import store_of
from mediaml.cli.shell import INTERRUPTED, Shell
from mediaml.cli.sink import Sink
from mediaml.cli.versions import versions
from mediaml.errors import NoInputsError, OutputError, UsageError
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.view import has_ledger, open_view
from mediaml.media.limits import Limits
from mediaml.onnx.providers import parse_devices
from mediaml.options import build_options, split_assignments
from mediaml.outputs.failures import write_failures
from mediaml.outputs.jsonl import write_results
from mediaml.registry import Offer, load_registry
from mediaml.run.inputs import Selection, scan
from mediaml.run.models import Choice, ResolvedModel, resolve_model
from mediaml.run.pipeline import default_readers
from mediaml.run.plan import Planned, Planner
from mediaml.run.stream import SLICE_S
from mediaml.run.weights import obtain_weights
from mediaml.types import Kind
from mediaml.work import Source
from mediaml.workers.copies import Copies
from mediaml.workers.messages import ModelFacts, ModelOrder, Setup
from mediaml.workers.supervisor import Clocks, Supervisor


@dataclass(frozen=True, slots=True)
class Request:
    """What was typed after `mediaml run`; see `mediaml run --help` for each field."""

    selection: Selection
    plugins: tuple[str, ...]
    weights: tuple[str, ...]
    options: tuple[str, ...]
    prompts: tuple[str, ...]
    output: Path
    device: str
    kinds: frozenset[str]
    annotate: bool | None
    jsonl: str | None
    dry_run: bool
    force: bool
    hashed: bool
    only_failed: bool
    patience: Patience
    clocks: Clocks
    batch: int | None
    threads: int | None
    readers: int | None
    limits: Limits


def run_job(request: Request, shell: Shell) -> int:
    """Do what was asked for; returns the exit code.

    Raises:
        MediamlError: nothing could be done, by its own exit code.
    """
    registry = load_registry()
    offers = [registry.find(name) for name in request.plugins]
    asked = prompt_assignments(offers, request.prompts)
    choices = choose(offers, request.weights, (*request.options, *asked))
    devices = parse_devices(request.device)
    obtain = partial(obtain_weights, store_of(shell, registry))
    if request.dry_run:
        sources = list(scan(request.selection))
        identities = [resolve_model(choice, obtain).identity for choice in choices]
        return tell_reasons(request.output, sources, identities, force=request.force, hashed=request.hashed)
    with ExitStack() as processes:
        supervisor = processes.enter_context(Supervisor(devices, clocks=request.clocks, warn=shell.warn))
        copies = None
        if _annotates(request, choices):
            copies = processes.enter_context(Copies(request.clocks.stall))
        sources = list(scan(request.selection))
        models = [resolve_model(choice, obtain) for choice in choices]
        facts = supervisor.load(_setup(request, models, len(devices), debug=shell.debug))
        by_name = {model.spec.name: fact for model, fact in zip(models, facts, strict=True)}
        tell_devices(by_name, request.device, shell)
        for choice in choices:
            tell_bundled(choice, registry, shell)
        if copies is not None:
            tell_urls(sources, shell)
        with ExitStack() as stack:
            ledger = stack.enter_context(Ledger(request.output))
            stack.enter_context(_sole_writer(request.output))
            run = ledger.begin_run(_header(by_name))
            code = _carry_out(request, supervisor, copies, models, sources, ledger, shell)
            ledger.end_run(run)
    return code


def _setup(request: Request, models: Sequence[ResolvedModel], workers: int, *, debug: bool) -> Setup:
    """What a worker has to know; its device is filled in for each."""
    limits: dict[str, int] = {}
    if has_ledger(request.output):
        with open_view(request.output) as view:
            limits = view.batch_limits()
    return Setup(
        models=tuple(map(_model_order, models)),
        device=parse_devices(request.device)[0],
        threads=request.threads,
        batch=request.batch,
        readers=request.readers or default_readers(workers),
        limits=request.limits,
        slice_s=SLICE_S,
        batch_limits=limits,
        debug=debug,
    )


def _model_order(model: ResolvedModel) -> ModelOrder:
    weights = None if model.weights is None else os.fsencode(model.weights.absolute())
    return ModelOrder(dict(model.choice.assignments), weights, model.identity)


def _carry_out(
    request: Request,
    supervisor: Supervisor,
    copies: Copies | None,
    models: Sequence[ResolvedModel],
    sources: Sequence[Source],
    ledger: Ledger,
    shell: Shell,
) -> int:
    """Have the sources answered into an open ledger, derive the outputs, report; returns the exit code."""
    planner = Planner(
        ledger,
        [(model, ledger.add_model(model.identity)) for model in models],
        kinds=frozenset(Kind(kind) for kind in request.kinds),
        force=request.force,
        hashed=request.hashed,
        only_failed=request.only_failed,
        emit=supervisor.emit,
    )
    with ExitStack() as stack:
        view = stack.enter_context(open_view(request.output))
        if copies is not None:
            copies.begin(request.output, request.limits, SLICE_S)
        progress = stack.enter_context(Progress(len(sources), shell))
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
            )
        )
        stopped = _work(supervisor, planner, sources, sink, shell)
        progress.close()
        if stopped is None:
            _nothing_done(planner.planned, request)
        results = write_results(view, request.output)
        write_failures(view, request.output)
        failed = sink.report(results)
    return int(failed > 0) if stopped is None else stopped


def _work(
    supervisor: Supervisor, planner: Planner, sources: Sequence[Source], sink: Sink, shell: Shell
) -> int | None:
    """Commit what the workers answer until all is done; the exit code of a run that was stopped before."""
    try:
        with _terminate_as_interrupt():
            for ready in supervisor.results(planner.jobs(sources), planner):
                sink.commit(ready)
            sink.replay(planner.planned.done)
            sink.wait_for_copies()
    except (KeyboardInterrupt, TooManyFailures) as stop:
        supervisor.close()
        sink.commit(supervisor.leftovers(), stopping=True)
        shell.error(str(stop) or "interrupted; the same command again goes on from here.")
        return 1 if isinstance(stop, TooManyFailures) else INTERRUPTED
    return None


def choose(offers: list[Offer], given: Sequence[str], assignments: Sequence[str]) -> list[Choice]:
    """Give every offer its options and the weights named for it.

    Args:
        offers: the models of the run.
        given: what was typed after each `-m`: `PATH` or `NAME=PATH`.
        assignments: what was typed after each `-O`.

    Raises:
        UsageError: `-m` names no plugin of this run, or none where several run.
        OptionError: see `mediaml.options`.
    """
    names = [offer.spec.name for offer in offers]
    options = split_assignments(assignments, names)
    weights: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or name not in names:
            if len(names) > 1:
                raise UsageError(f"-m {text}: for which plugin?", f"For example: -m {names[0]}={text}")
            name, path = names[0], text
        weights[name] = Path(path)
    return [
        Choice(offer, build_options(offer.spec, texts), weights.get(offer.spec.name), texts)
        for offer in offers
        for texts in [options[offer.spec.name]]
    ]


def _annotates(request: Request, choices: Sequence[Choice]) -> bool:
    if request.annotate is None:
        return any(choice.offer.spec.task in ("detect", "transform") for choice in choices)
    return request.annotate


def _header(facts: Mapping[str, ModelFacts]) -> dict[str, Any]:
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


@contextmanager
def _sole_writer(folder: Path) -> Iterator[None]:
    """Hold the output folder's lock, which the system lets go of when the process dies.

    Raises:
        OutputError: another process holds it.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputError(
            f"another mediaml is writing to {folder}.", "Wait until it ends, or name another folder with -o."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that a shutdown keeps what is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
