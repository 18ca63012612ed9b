"""What a run says before it begins: its models, and with `--dry-run` what it would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from mediaml.cli.shell import Shell
from mediaml.cli.table import table
from mediaml.core.location import Url
from mediaml.core.work import ModelIdentity, Source
from mediaml.engine.local.messages import ModelDevices
from mediaml.ledger.view import has_ledger, open_view
from mediaml.media.annotated_mark import is_annotated_copy
from mediaml.pipeline.explain import reasons
from mediaml.pipeline.models import Choice
from mediaml.pipeline.plan import with_digest
from mediaml.pipeline.walk import Skipped, SkipReason, is_copy, reason_of
from mediaml.registry.entry_points import Registry
from mediaml.store.bundled import bundled_card, bundled_names
from mediaml.store.catalogue import load_catalogue

_MOST_SKIPPED = 3
_MOST_OPENED = 100
_QUIETLY = (SkipReason.SAME_FOLDER, SkipReason.SPECIAL_FILE)
_LOUDLY = (SkipReason.NO_MATCH, SkipReason.SAME_URL)


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


def _digested(source: Source) -> Source:
    """The source with its digest, or with the reason why it has none."""
    try:
        return source if source.problem else with_digest(source)
    except OSError as error:
        return replace(source, problem=reason_of(error, str(source.path)))


def tell_skipped(skipped: Iterable[Skipped], shell: Shell) -> None:
    """What a scan left out: some of each kind in a line of its own, all of them with `-v`."""
    told = Counter[SkipReason]()
    for one in skipped:
        told[one.reason] += 1
        if one.reason in _LOUDLY:
            shell.warn(str(one))
        elif one.reason in _QUIETLY or told[one.reason] > _MOST_SKIPPED:
            shell.detail(str(one))
        else:
            shell.say(str(one))
    for reason, count in told.items():
        if reason not in (*_QUIETLY, *_LOUDLY) and count > _MOST_SKIPPED and not shell.verbose:
            shell.say(f"skipped {count - _MOST_SKIPPED} more like these; -v names them")


def tell_copies(sources: Sequence[Source], shell: Shell) -> None:
    """One line for annotated copies that were named file by file, and are taken therefore."""
    named = [source for source in sources if source.named and not isinstance(source.path, Url)]
    # A long list is not opened file by file before the run begins; there, the name has to be that of a copy.
    known = is_copy if len(named) > _MOST_OPENED else is_annotated_copy
    copies = [source.shown for source in named if isinstance(source.path, Path) and known(source.path)]
    if copies:
        more = f" and {len(copies) - 1} more" if len(copies) > 1 else ""
        shell.say(f"{copies[0]}{more}: annotated by mediaml before; run again because you named it")


def tell_reasons(
    folder: Path, sources: Sequence[Source], models: Sequence[ModelIdentity], *, force: bool, hashed: bool
) -> int:
    """Print what would be done with every file and why, then each model's fingerprint; the exit code is 0."""
    with ExitStack() as stack:
        view = stack.enter_context(open_view(folder)) if has_ledger(folder) else None
        looked_at = map(_digested, sources) if hashed else sources
        rows = [
            [reason.source, reason.model, reason.action, reason.why]
            for reason in reasons(view, looked_at, models, force=force)
        ]
    click.echo(table(["file", "plugin", "would", "because"], rows))
    for model in models:
        weights = f"{model.weights} {model.weights_sha256}" if model.weights else "no model file"
        click.echo(f"{model.name}: {model.distribution} {model.version}, {weights}, {model.options}")
    return 0
