"""One run from start to end: models, engine, ledger, outputs, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import IO

from mediaml.app.choose import choose_models, prompt_assignments, resolve_models
from mediaml.app.commit import Committer
from mediaml.app.config import RunConfig
from mediaml.app.environment import open_store, run_header
from mediaml.app.failure_policy import TooManyFailures
from mediaml.app.finish import Ending, report_of, require_work, unwritten, write_outputs
from mediaml.app.interrupts import Interrupts
from mediaml.app.known import known_devices
from mediaml.app.memory import MemoryShares
from mediaml.app.notices import (
    find_sources,
    note_bundled,
    note_devices,
    note_others,
    note_untracked,
    note_urls,
)
from mediaml.app.report import RunReport, Stop
from mediaml.app.reporter import Reporter
from mediaml.app.setup import memory_shares, setup_of
from mediaml.app.stream import ResultStream, StreamClosed
from mediaml.app.tracking import TrackFollower, options_for
from mediaml.core.slices import SLICE_S
from mediaml.core.work import Source
from mediaml.derive.tracker import library_version
from mediaml.engine.local.supervisor import Supervisor
from mediaml.engine.messages import ModelDevices
from mediaml.engine.protocol import Engine
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import Results, open_results
from mediaml.ledger.schema import sole_writer
from mediaml.onnx.providers import parse_devices
from mediaml.outputs.base import SliceOutput
from mediaml.outputs.by_name import output_of
from mediaml.outputs.export.formats import hidden_formats
from mediaml.outputs.render.annotated_media import AnnotatedMedia
from mediaml.pipeline.models import Choice, ResolvedModel, resolved_view
from mediaml.pipeline.plan import Planner
from mediaml.pipeline.weights import obtain_weights
from mediaml.registry.entry_points import load_registry
from mediaml.registry.plugin_file import plugin_files
from mediaml.store.watcher import Watcher

Hold = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class _Session:
    """A run whose models are loaded.

    Attributes:
        engine: is ready. models: in the order of the run. devices: by model, what it runs on.
        sources: the inputs. rendering: a renderer that was started ahead; `None` where none is wanted.
        shares: of the memory.
        hold: see `Interrupts.held`.
    """

    config: RunConfig
    reporter: Reporter
    stream: IO[bytes] | None
    engine: Engine
    models: Sequence[ResolvedModel]
    devices: Mapping[str, ModelDevices]
    sources: Sequence[Source]
    renderer: AnnotatedMedia | None
    renders: bool
    shares: MemoryShares
    hold: Hold


def run_session(
    config: RunConfig,
    reporter: Reporter,
    watcher: Watcher,
    first: Popen[bytes] | None,
    stream: IO[bytes] | None,
) -> RunReport:
    """Execute a run; see `run_config`.

    Args:
        first: a worker process that was started ahead; `None` runs everything in this process.
    """
    registry = load_registry(files=plugin_files(config.models))
    offers = [registry.find(name) for name in config.models]
    if config.follow:
        library_version()
    for name in config.outputs:
        output_of(name, registry)
    for text in hidden_formats(config.outputs, registry):
        reporter.warning(text)
    assignments = (*config.options, *prompt_assignments(offers, config.prompts))
    how = config.limits, config.track, config.sampling, config.precision
    choices = choose_models(offers, config.weights, assignments, *how)
    with ExitStack() as stack:
        hold = stack.enter_context(Interrupts()).held
        engine = stack.enter_context(closing(_engine(config, first, reporter.warning, hold)))
        renders = _renders(config, choices)
        shares = memory_shares(config, renders=renders)
        renderer: AnnotatedMedia | None = None
        if renders and first is not None:
            renderer = stack.enter_context(AnnotatedMedia(config.timeouts.stall))
        sources = find_sources(config.selection, reporter)
        obtain = partial(obtain_weights, open_store(watcher, registry, offline=config.offline))
        models = resolve_models(choices, obtain, config.output)
        known = known_devices(config, sources, models)
        engine.begin(setup_of(config, models, shares), later=known is not None)
        facts = known or engine.ready()
        devices = {model.spec.name: fact for model, fact in zip(models, facts, strict=True)}
        if known is None:
            note_devices(devices, config.device, reporter)
            note_bundled(choices, registry, reporter)
        if renders:
            note_urls(sources, reporter)
        session = _Session(
            config, reporter, stream, engine, models, devices, sources, renderer, renders, shares, hold
        )
        report = _with_ledger(session)
    reporter.finished(report)
    return report


def _engine(config: RunConfig, first: Popen[bytes] | None, warn: Callable[[str], None], hold: Hold) -> Engine:
    devices = parse_devices(config.device)
    if first is None:
        from mediaml.engine.inline import InlineEngine

        return InlineEngine(warn)
    return Supervisor(devices, first=first, timeouts=config.timeouts, warn=warn, hold=hold)


def _renders(config: RunConfig, choices: Sequence[Choice]) -> bool:
    if config.annotate is None:
        return any(choice.offer.spec.task in ("detect", "transform") for choice in choices)
    return config.annotate


def _with_ledger(session: _Session) -> RunReport:
    """Open the ledger, run, write the outputs.

    Raises:
        OutputError: the output folder cannot be used, or another process is using it.
        NoInputsError: none of the sources is media that a model of the run accepts.
    """
    output = session.config.output
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(output))
        stack.enter_context(sole_writer(output))
        number = ledger.begin_run(run_header(session.models, session.devices))
        view = stack.enter_context(open_results(output, checked=False))
        report = _fill(session, ledger, view, stack)
        if report.results is not None:
            ledger.end_run(number)
    return report


def _fill(session: _Session, ledger: Ledger, view: Results, stack: ExitStack) -> RunReport:
    config, engine = session.config, session.engine
    models = [(model, _add_model(ledger, model, session.devices)) for model in session.models]
    planner = Planner(
        ledger,
        models,
        kinds=config.kinds,
        force=config.force,
        hashed=config.compare_content,
        only_failed=config.only_failed,
        emit=engine.emit,
    )
    note_others(view.models(current=False), [model.spec.name for model in session.models], session.reporter)
    rendering = _rendering(session, stack)
    stream = None if session.stream is None else ResultStream(session.stream)
    committer = Committer(
        config,
        ledger,
        view,
        planner.planned,
        models=[model.spec.name for model in session.models],
        total=len(session.sources),
        rendering=rendering,
        follower=_follower(session, ledger, view),
        reporter=session.reporter,
        stream=stream,
        hold=session.hold,
    )
    results: Path | None = None
    problems: list[str] = []
    try:
        stopped, reason = _work(session, planner, committer)
        if stopped is None:
            require_work(planner.planned, config)
            if config.follow:
                note_untracked((view.source(one).kind for one in planner.planned.sources), session.reporter)
            for output in rendering:
                output.close()
                output.settle(planner.planned.sources)
        results, problems = write_outputs(config, view)
    except KeyboardInterrupt:
        stopped, reason = "interrupted", unwritten(config.output)
    reasons = [text for text in (reason, stream.problem if stream else "", *problems) if text]
    for text in reasons:
        session.reporter.error(text)
    ending = Ending(results, stopped, "\n".join(reasons))
    met = len(session.sources)
    return report_of(config, met, planner.planned, committer, view, session.devices, ending)


def _add_model(ledger: Ledger, model: ResolvedModel, devices: Mapping[str, ModelDevices]) -> int:
    said = devices[model.spec.name]
    view = resolved_view(model, said.labels)
    return ledger.add_model(model.identity, view, said.labels, clip_frames=said.clip_frames)


def _follower(session: _Session, ledger: Ledger, view: Results) -> TrackFollower | None:
    if not session.config.follow:
        return None
    names = {model.spec.name for model in session.models if model.spec.task == "detect"}
    asked = {model.name: options_for(model.view) for model in view.models(begun=False) if model.name in names}
    return TrackFollower(ledger, view, asked)


def _rendering(session: _Session, stack: ExitStack) -> list[SliceOutput]:
    config, limits = session.config, session.shares.drawing(session.config.limits)
    if not session.renders:
        return []
    if session.renderer is None:
        # Drawing needs OpenCV, which takes 30 MiB.
        from mediaml.outputs.render.inline import InlineAnnotatedMedia

        inline = InlineAnnotatedMedia(config.output, limits, SLICE_S)
        return [stack.enter_context(closing(inline))]
    session.renderer.begin(config.output, limits, SLICE_S)
    return [session.renderer]


def _work(session: _Session, planner: Planner, committer: Committer) -> tuple[Stop | None, str]:
    """Commit what the engine returns until it is done; returns what stopped it early, and a reason."""
    engine = session.engine
    try:
        for _ in engine.run(planner.jobs(session.sources), planner):
            committer.commit(engine.take)
            committer.progress(engine.reading())
        committer.replay(planner.planned.done)
        committer.wait_for_rendering()
    except (KeyboardInterrupt, TooManyFailures, StreamClosed) as stop:
        engine.close()
        committer.commit(engine.take, stopping=True)
        if isinstance(stop, StreamClosed):
            return "stream closed", ""
        if isinstance(stop, TooManyFailures):
            return "too many failures", str(stop)
        return "interrupted", "interrupted; rerun the same command to continue."
    return None, ""
