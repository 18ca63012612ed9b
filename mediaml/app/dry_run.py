"""What a run would do, and why, without doing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from mediaml.app.choose import choose_models, prompt_assignments, resolve_models
from mediaml.app.config import RunConfig
from mediaml.app.environment import open_store
from mediaml.app.notices import find_sources
from mediaml.app.reporter import Reporter
from mediaml.core.errors import MediamlError
from mediaml.core.sampling import ALL_FRAMES
from mediaml.core.work import ModelIdentity, Source
from mediaml.ledger.recognise import has_ledger
from mediaml.ledger.results import open_results
from mediaml.media.sample_count import count_samples
from mediaml.pipeline.explain import Reason, reasons
from mediaml.pipeline.models import ResolvedModel
from mediaml.pipeline.plan import with_digest
from mediaml.pipeline.walk import os_reason
from mediaml.pipeline.weights import obtain_weights
from mediaml.registry.entry_points import load_registry
from mediaml.registry.plugin_file import plugin_files
from mediaml.store.watcher import Watcher


@dataclass(frozen=True, slots=True)
class DryRun:
    """The plan.

    Attributes:
        reasons: one per source and model, in order. models: the identities that would answer.
        counts: of a run that samples, how many frames of each source would be looked at, as text.
    """

    reasons: tuple[Reason, ...]
    models: tuple[ModelIdentity, ...]
    counts: tuple[tuple[str, str], ...] = ()


def explain_run(config: RunConfig, reporter: Reporter, watcher: Watcher) -> DryRun:
    """Plan a run without writing; weights are downloaded where the plan needs them.

    Media are read only to count the frames that a sampling takes, and without decoding videos.

    Raises:
        MediamlError: see `run_config`.
    """
    registry = load_registry(files=plugin_files(config.models))
    offers = [registry.find(name) for name in config.models]
    assignments = (*config.options, *prompt_assignments(offers, config.prompts))
    obtain = partial(obtain_weights, open_store(watcher, registry, offline=config.offline))
    how = config.limits, config.track, config.sampling, config.precision
    choices = choose_models(offers, config.weights, assignments, *how)
    models = resolve_models(choices, obtain, config.output)
    sources = find_sources(config.selection, reporter)
    return DryRun(
        tuple(_reasons(config, models, sources)),
        tuple(model.identity for model in models),
        tuple(_counts(config, sources)),
    )


def _counts(config: RunConfig, sources: Sequence[Source]) -> Iterator[tuple[str, str]]:
    if config.sampling.chosen == ALL_FRAMES:
        return
    for source in sources:
        if not source.problem:
            try:
                count = count_samples(source.path, config.sampling, config.limits)
            except MediamlError as error:
                yield source.shown, error.message
                continue
            yield source.shown, str(count)


def _reasons(config: RunConfig, models: list[ResolvedModel], sources: Sequence[Source]) -> Iterator[Reason]:
    with ExitStack() as stack:
        view = stack.enter_context(open_results(config.output)) if has_ledger(config.output) else None
        looked_at = map(_with_digest, sources) if config.compare_content else sources
        yield from reasons(view, looked_at, models, force=config.force)


def _with_digest(source: Source) -> Source:
    """The source with its digest, or with the reason why it has none."""
    try:
        return source if source.problem else with_digest(source)
    except OSError as error:
        return replace(source, problem=os_reason(error, str(source.path)))
