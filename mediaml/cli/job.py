"""Carries out `mediaml run`: plugins and models, ledger, pipeline, outputs, and what is said at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import Popen

from mediaml.cli.interrupts import Interrupts
from mediaml.cli.notices import tell_bundled, tell_devices, tell_reasons, tell_urls
from mediaml.cli.patience import Patience
from mediaml.cli.prompts import prompt_assignments
from mediaml.cli.pulling import store_of
from mediaml.cli.shell import Shell
from mediaml.core.errors import UsageError
from mediaml.core.work import Source
from mediaml.engine.local.messages import ModelDevices, ModelOrder, Setup
from mediaml.engine.local.supervisor import Supervisor
from mediaml.engine.local.timeouts import Timeouts
from mediaml.ledger.results import has_ledger, open_results
from mediaml.media.limits import Limits
from mediaml.onnx.providers import parse_devices
from mediaml.outputs.render.copies import Copies
from mediaml.pipeline.capacity import default_readers
from mediaml.pipeline.explain import nothing_left
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.models import Choice, ResolvedModel, in_ledger, resolve_model
from mediaml.pipeline.plan import with_digest
from mediaml.pipeline.stream import SLICE_S
from mediaml.pipeline.weights import obtain_weights
from mediaml.registry.entry_points import Offer, load_registry
from mediaml.registry.options import build_options, split_assignments
from mediaml.registry.views import kept_score


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
    timeouts: Timeouts
    batch: int | None
    threads: int | None
    readers: int | None
    limits: Limits


def run_job(request: Request, shell: Shell, process: Popen[bytes] | None) -> int:
    """Do what was asked for; returns the exit code.

    Args:
        process: a worker that was started ahead, if one was.

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
        models = resolve_models(choices, obtain, request.output)
        return tell_reasons(request.output, sources, models, force=request.force, hashed=request.hashed)
    with ExitStack() as stack:
        hold = stack.enter_context(Interrupts()).held
        supervisor = stack.enter_context(
            Supervisor(devices, first=process, timeouts=request.timeouts, warn=shell.warn, hold=hold)
        )
        wanted = _annotates(request, choices)
        copies = stack.enter_context(Copies(request.timeouts.stall)) if wanted else None
        sources = list(scan(request.selection))
        models = resolve_models(choices, obtain, request.output)
        setup = _setup(request, models, len(devices), debug=shell.debug)
        known = _known(request, sources, models)
        supervisor.begin(setup, later=known is not None)
        # What is imported now is imported while the models are being loaded.
        from mediaml.cli.carry import Run, carry_out

        facts = known or supervisor.ready()
        by_name = {model.spec.name: fact for model, fact in zip(models, facts, strict=True)}
        if known is None:
            tell_devices(by_name, request.device, shell)
            for choice in choices:
                tell_bundled(choice, registry, shell)
        if copies is not None:
            tell_urls(sources, shell)
        return carry_out(Run(request, supervisor, copies, models, by_name, sources, hold), shell)


def _setup(request: Request, models: Sequence[ResolvedModel], workers: int, *, debug: bool) -> Setup:
    """What a worker has to know; its device is filled in for each."""
    limits: dict[str, int] = {}
    if has_ledger(request.output):
        with open_results(request.output) as results:
            limits = results.batch_limits()
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


def _known(
    request: Request, sources: Sequence[Source], models: Sequence[ResolvedModel]
) -> list[ModelDevices] | None:
    """What the output folder knows of the models, where it holds all that is asked for; else `None`."""
    if not has_ledger(request.output):
        return None
    looked_at = (with_digest(source) if request.hashed else source for source in sources)
    with open_results(request.output) as results:
        if not nothing_left(results, looked_at, models, force=request.force):
            return None
        rows = {row.identity: row for row in results.models(current=False)}
        devices = results.latest_header().get("devices", {})
        return [
            ModelDevices(tuple(devices.get(model.spec.name, ())), (), results.classes(rows[model.identity]))
            for model in models
        ]


def _model_order(model: ResolvedModel) -> ModelOrder:
    weights = None if model.weights is None else os.fsencode(model.weights.absolute())
    return ModelOrder(weights, model.identity, kept_score(model.choice.options))


def resolve_models(
    choices: Sequence[Choice], obtain: Callable[[str], Path], folder: Path
) -> list[ResolvedModel]:
    """The models of a run: of those that the output folder holds, the identity that covers what is asked for.

    Raises:
        ModelError: see `resolve_model`.
    """
    models = [resolve_model(choice, obtain) for choice in choices]
    if not has_ledger(folder):
        return models
    with open_results(folder) as results:
        return [in_ledger(model, results.identities(model.spec.name)) for model in models]


def choose(offers: list[Offer], given: Sequence[str], assignments: Sequence[str]) -> list[Choice]:
    """Give every offer its options and the weights named for it.

    Args:
        offers: the models of the run.
        given: what was typed after each `-m`: `PATH` or `NAME=PATH`.
        assignments: what was typed after each `-O`.

    Raises:
        UsageError: `-m` names no plugin of this run, or none where several run.
        OptionError: see `mediaml.registry.options`.
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


def _annotates(request: Request, choices: Sequence[Choice]) -> bool:
    if request.annotate is None:
        return any(choice.offer.spec.task in ("detect", "transform") for choice in choices)
    return request.annotate
