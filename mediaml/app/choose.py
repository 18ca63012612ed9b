"""Selects the models of a run, with their weights and options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import msgspec

from mediaml.core.errors import UsageError
from mediaml.core.sampling import ALL_FRAMES, Sampling
from mediaml.core.track import TrackChoice
from mediaml.ledger.recognise import has_ledger
from mediaml.ledger.results import open_results
from mediaml.media.limits import Limits
from mediaml.onnx.providers import Precision
from mediaml.pipeline.models import Choice, ResolvedModel, in_ledger, resolve_model
from mediaml.pipeline.reading import precision_record, reading_record
from mediaml.registry.entry_points import Offer
from mediaml.registry.options import build_options, split_assignments

PROMPTS = "prompts"
"""The option that takes prompts, in the models that have it."""


def choose_models(
    offers: Sequence[Offer],
    weights: Sequence[str] = (),
    assignments: Sequence[str] = (),
    limits: Limits | None = None,
    track: TrackChoice | None = None,
    sampling: Sampling = ALL_FRAMES,
    precision: Precision = "exact",
) -> list[Choice]:
    """Give every offer its options and its weights.

    Args:
        offers: the models of the run.
        weights: the values of `-m`: `MODEL` or `NAME=MODEL`.
        assignments: the values of `-O`.
        limits, track, sampling, precision: how files are read and models are run; part of each model's
            identity where it is not the default.

    Raises:
        UsageError: `-m` names no model of this run, or none where several run.
        OptionError: see `mediaml.registry.options`.
    """
    names = [offer.spec.name for offer in offers]
    options = split_assignments(assignments, names)
    chosen: dict[str, Path] = {}
    for text in weights:
        name, equals, path = text.partition("=")
        if not equals or name not in names:
            if len(names) > 1:
                raise UsageError(f"-m {text}: for which model?", f"For example: -m {names[0]}={text}")
            name, path = names[0], text
        chosen[name] = Path(path)
    return [
        Choice(
            offer,
            build_options(offer.spec, options[offer.spec.name]),
            chosen.get(offer.spec.name),
            {
                **reading_record(offer.spec, limits or Limits(), track or TrackChoice(), sampling),
                **precision_record(precision),
            },
        )
        for offer in offers
    ]


def resolve_models(
    choices: Sequence[Choice], obtain: Callable[[str], Path], folder: Path
) -> list[ResolvedModel]:
    """Find the weights; of models that the output folder knows, take the identity that covers the request.

    Raises:
        ModelError: see `resolve_model`.
    """
    models = [resolve_model(choice, obtain) for choice in choices]
    if not has_ledger(folder):
        return models
    with open_results(folder, checked=False) as results:
        return [in_ledger(model, results.identities(model.spec.name)) for model in models]


def prompt_assignments(offers: Sequence[Offer], prompts: Sequence[str]) -> tuple[str, ...]:
    """The assignments that give prompts to every chosen model that takes some.

    Raises:
        UsageError: none does.
    """
    if not prompts:
        return ()
    takers = [
        offer.spec.name
        for offer in offers
        if any(field.name == PROMPTS for field in fields(offer.spec.options))
    ]
    if not takers:
        names = ", ".join(offer.spec.name for offer in offers)
        raise UsageError(f"--prompt: none of the selected models takes prompts ({names}).", "Add -p clip.")
    text = msgspec.json.encode(list(prompts)).decode()
    return tuple(f"{name}.{PROMPTS}={text}" for name in takers)
