"""Carries out `mediaml run`: plugins and models, ledger, pipeline, outputs, and what is said at the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mediaml.cli.notices import tell_bundled, tell_devices, tell_reasons
from mediaml.cli.patience import Patience, TooManyFailures
from mediaml.cli.progress import Progress
from mediaml.cli.prompts import prompt_assignments
from mediaml.cli.pulling import store_of
from mediaml.cli.shell import INTERRUPTED, Shell
from mediaml.cli.sink import Sink
from mediaml.cli.versions import versions
from mediaml.errors import NoInputsError, OutputError, UsageError
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.view import open_view
from mediaml.media.limits import Limits
from mediaml.onnx.providers import parse_device
from mediaml.options import build_options, split_assignments
from mediaml.outputs.annotated import Annotator
from mediaml.outputs.failures import write_failures
from mediaml.outputs.jsonl import write_results
from mediaml.registry import Offer, load_registry
from mediaml.run.inputs import Selection, scan
from mediaml.run.models import Choice, LoadedModel, find_weights, identify, load_model
from mediaml.run.pipeline import Pipeline, default_readers
from mediaml.run.plan import Planned, Planner
from mediaml.run.stream import SLICE_S
from mediaml.run.weights import obtain_weights
from mediaml.types import Kind
from mediaml.work import Source


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
    batch: int | None
    threads: int | None
    readers: int | None


def run_job(request: Request, shell: Shell) -> int:
    """Do what was asked for; returns the exit code.

    Raises:
        MediamlError: nothing could be done, by its own exit code.
    """
    registry = load_registry()
    offers = [registry.find(name) for name in request.plugins]
    asked = prompt_assignments(offers, request.prompts)
    choices = choose(offers, request.weights, (*request.options, *asked))
    sources = list(scan(request.selection))
    device = parse_device(request.device)
    obtain = partial(obtain_weights, store_of(shell, registry))
    if request.dry_run:
        identities = [
            identify(choice, find_weights(choice.offer, choice.weights, obtain)) for choice in choices
        ]
        return tell_reasons(request.output, sources, identities, force=request.force, hashed=request.hashed)
    models = [
        load_model(
            choice,
            device,
            threads=request.threads,
            batch=request.batch,
            warn=shell.warn,
            obtain=obtain,
        )
        for choice in choices
    ]
    tell_devices(models, request.device, shell)
    for choice in choices:
        tell_bundled(choice, registry, shell)
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(request.output))
        stack.enter_context(_sole_writer(request.output))
        return _carry_out(request, models, sources, ledger, shell)


def _carry_out(
    request: Request, models: list[LoadedModel], sources: list[Source], ledger: Ledger, shell: Shell
) -> int:
    """Run the models over the sources into an open ledger, derive the outputs, report."""
    pipeline = Pipeline(readers=request.readers or default_readers(), limits=Limits())
    planner = Planner(
        ledger,
        [(model, ledger.add_model(model.identity)) for model in models],
        kinds=frozenset(Kind(kind) for kind in request.kinds),
        force=request.force,
        hashed=request.hashed,
        only_failed=request.only_failed,
        emit=pipeline.emit,
    )
    run = ledger.begin_run(_header(models))
    with ExitStack() as stack:
        view = stack.enter_context(open_view(request.output))
        progress = stack.enter_context(Progress(len(sources), shell))
        sink = stack.enter_context(
            Sink(
                ledger,
                view,
                planner.planned,
                annotator=(
                    Annotator(request.output, Limits(), slice_s=SLICE_S)
                    if _annotates(request, models)
                    else None
                ),
                progress=progress,
                shell=shell,
                stream=request.jsonl,
                patience=request.patience,
            )
        )
        stopped = _work(pipeline, planner, sources, sink, shell)
        progress.close()
        ledger.end_run(run)
        if stopped is None:
            _nothing_done(planner.planned, request)
        results = write_results(view, request.output)
        write_failures(view, request.output)
        failed = sink.report(results)
    return int(failed > 0) if stopped is None else stopped


def _work(
    pipeline: Pipeline, planner: Planner, sources: Sequence[Source], sink: Sink, shell: Shell
) -> int | None:
    """Commit what the pipeline yields until all is done; the exit code of a run that was stopped before."""
    results = pipeline.results(planner.jobs(sources))
    try:
        with _terminate_as_interrupt():
            for ready in results:
                sink.commit(ready)
            sink.replay(planner.planned.done)
            sink.wait_for_copies()
    except (KeyboardInterrupt, TooManyFailures) as stop:
        results.close()  # type: ignore[attr-defined]
        sink.commit(pipeline.leftovers(), stopping=True)
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
        Choice(offer, build_options(offer.spec, options[offer.spec.name]), weights.get(offer.spec.name))
        for offer in offers
    ]


def _annotates(request: Request, models: list[LoadedModel]) -> bool:
    if request.annotate is None:
        return any(model.spec.task in ("detect", "transform") for model in models)
    return request.annotate


def _header(models: list[LoadedModel]) -> dict[str, Any]:
    return {
        "versions": versions(),
        "devices": {model.spec.name: list(model.devices) for model in models},
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
