"""What a run says before it begins: its models, and with `--dry-run` what it would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from mediaml.cli.shell import Shell
from mediaml.cli.table import table
from mediaml.core.location import Url
from mediaml.core.work import Source
from mediaml.engine.local.messages import ModelDevices
from mediaml.ledger.results import has_ledger, open_results
from mediaml.pipeline.explain import reasons
from mediaml.pipeline.models import Choice, ResolvedModel
from mediaml.pipeline.plan import with_digest
from mediaml.registry.entry_points import Registry
from mediaml.store.bundled import bundled_card, bundled_names
from mediaml.store.catalogue import load_catalogue


def tell_devices(facts: Mapping[str, ModelDevices], asked: str, shell: Shell) -> None:
    """Where each model, by its name, really runs; a fallback of `--device auto` is one loud line."""
    for name, fact in facts.items():
        for reason in fact.fallbacks:
            shell.warn(f"--device {asked}: running on the CPU, because {reason}")
        shell.detail(f"{name}: on {', '.join(fact.devices) or 'no device of ours'}")


def tell_bundled(choice: Choice, registry: Registry, shell: Shell) -> None:
    """One line on what a bundled detector is worth, and how to get a better one: it is small and ours."""
    spec = choice.offer.spec
    name = spec.weights or ""
    if choice.weights is not None or spec.task != "detect" or name not in tuple(bundled_names()):
        return
    card = bundled_card(name)
    ap50 = card.get("metrics", {}).get("ap50")
    entries = load_catalogue(registry.entries()).entries.values()
    others = [entry.name for entry in entries if entry.plugin == spec.name]
    better = f"; the official one: -m {others[0]}" if others else ""
    shell.say(f"{spec.name}: {card.get('title', name)}, AP50 {ap50} on COCO val photos{better}")


def tell_urls(sources: Sequence[Source], shell: Shell) -> None:
    """One line where copies are wanted of what cannot be read a second time."""
    urls = sum(isinstance(source.path, Url) for source in sources)
    if urls:
        shell.say(f"no annotated copy of {urls} URL{'s' if urls > 1 else ''}: what streams is read once")


def tell_reasons(
    folder: Path, sources: Sequence[Source], models: Sequence[ResolvedModel], *, force: bool, hashed: bool
) -> int:
    """Print what would be done with every file and why, then each model's fingerprint; the exit code is 0."""
    with ExitStack() as stack:
        results = stack.enter_context(open_results(folder)) if has_ledger(folder) else None
        looked_at = (with_digest(source) if hashed else source for source in sources)
        rows = [
            [reason.source, reason.model, reason.action, reason.why]
            for reason in reasons(results, looked_at, models, force=force)
        ]
    click.echo(table(["file", "model", "would", "because"], rows))
    for model in (resolved.identity for resolved in models):
        weights = f"{model.weights} {model.weights_sha256}" if model.weights else "no model file"
        click.echo(f"{model.name}: {model.distribution} {model.version}, {weights}, {model.options}")
    return 0
