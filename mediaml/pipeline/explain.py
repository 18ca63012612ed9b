"""Why a source would be processed, repeated or skipped, for `--dry-run`; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import msgspec

from mediaml.core.media import Kind
from mediaml.core.text import counted
from mediaml.core.view import View
from mediaml.core.work import ModelIdentity, Source, TaskProgress
from mediaml.ledger.results import Results
from mediaml.ledger.task_progress import LINEAGE, Known
from mediaml.pipeline.models import ResolvedModel
from mediaml.pipeline.reading import SAMPLING_NAMES, sampling_of
from mediaml.registry.code_version import without_code

Action = Literal["do", "redo", "continue", "retry", "leave", "fail"]


@dataclass(frozen=True, slots=True)
class Reason:
    """What would be done with one source and one model, and why.

    Attributes:
        source: as the user would type it. model: its name.
    """

    source: str
    model: str
    action: Action
    why: str


def reasons(
    results: Results | None, sources: Iterable[Source], models: Sequence[ResolvedModel], *, force: bool
) -> Iterator[Reason]:
    """One reason per source and model, in the order of the sources.

    Args:
        results: of the output folder; `None` where it holds none yet.
        models: with the identities that the ledger has for them, see `in_ledger`.
        force: everything would be done again.
    """
    for source in sources:
        known = results.known(source.path) if results else None
        for model in models:
            yield _reason(results, source, known, model, force=force)


def _reason(
    results: Results | None, source: Source, known: Known | None, model: ResolvedModel, *, force: bool
) -> Reason:
    identity = model.identity

    def because(action: Action, why: str) -> Reason:
        return Reason(source.shown, identity.name, action, why)

    if source.problem:
        return because("fail", source.problem.splitlines()[0])
    if results is None or known is None:
        return because("do", "new")
    if not known.is_of(source):
        return because("redo", "the file has changed")
    if known.kind is not None and model.spec.reads(Kind(known.kind)) is None:
        return because("leave", f"{identity.name} does not accept {known.kind}")
    progress = results.task_progress(known.id, identity, model.view)
    if progress is None:
        return because(*_beside(results.identities(identity.name, known.id), identity))
    return because(*_remaining(progress, model, results, force=force))


def _remaining(
    progress: TaskProgress, model: ResolvedModel, results: Results, *, force: bool
) -> tuple[Action, str]:
    if progress.cut:
        return "redo", f"boxes above {model.view.min_score:g} were left out"
    if force:
        return "redo", "--force"
    if progress.failure is not None:
        return "retry", f"failed ({progress.failure.stage}): {progress.failure.message.splitlines()[0]}"
    if not progress.complete:
        return "continue", f"stopped after {counted(progress.frames, 'frame')}"
    shown = results.view(model.spec.name)
    changes = shown is not None and not _alike(shown, model.view)
    return "leave", f"done, {counted(progress.frames, 'frame')}{'; only outputs change' if changes else ''}"


def nothing_left(
    results: Results, sources: Iterable[Source], models: Sequence[ResolvedModel], *, force: bool
) -> bool:
    """Whether all requested results exist, so that no model need be loaded."""
    named = all(
        {name.strip().casefold() for name in model.view.classes} <= _labels(results, model)
        for model in models
    )
    return named and all(
        reason.action == "leave" for reason in reasons(results, sources, models, force=force)
    )


def _labels(results: Results, model: ResolvedModel) -> set[str]:
    """The names, in small letters, that a ledger knows of a model."""
    rows = [row for row in results.models(current=False) if row.identity == model.identity]
    return {name.casefold() for row in rows for name in results.classes(row)}


def _alike(one: View, other: View) -> bool:
    """Whether two views show the same; classes may differ in letter case and order."""
    classes = [{name.casefold() for name in view.classes} for view in (one, other)]
    return replace(one, classes=()) == replace(other, classes=()) and classes[0] == classes[1]


def _beside(others: Sequence[ModelIdentity], model: ModelIdentity) -> tuple[Action, str]:
    """Why results of other identities of a model do not count.

    Those of an older version are replaced; those of other weights or options stay. The latest is compared.
    """
    if not others:
        return "do", f"never seen by {model.name}"
    older = [other for other in others if all(getattr(other, f) == getattr(model, f) for f in LINEAGE)]
    if older:
        return "redo", "; ".join(_differences(older[-1], model))
    return "do", f"{'; '.join(_differences(others[-1], model))} (earlier results stay)"


def _differences(before: ModelIdentity, now: ModelIdentity) -> Iterator[str]:
    for field in fields(ModelIdentity):
        old, new = getattr(before, field.name), getattr(now, field.name)
        if field.name == "options":
            yield from _changed_options(old, new)
        elif field.name == "weights_sha256" and old != new:
            yield f"weights {old[:12] or 'none'} are now {new[:12] or 'none'}"
        elif field.name == "version" and old != new and without_code(old) == without_code(new):
            yield "plugin code changed"
        elif field.name in ("plugin", "distribution", "version") and old != new:
            yield f"{field.name} {old} is now {new}"


def _changed_options(before: str, now: str) -> Iterator[str]:
    old, new = (msgspec.json.decode(text, type=dict[str, Any]) for text in (before, now))
    sampled = [sampling_of(record) for record in (old, new)]
    if sampled[0] != sampled[1]:
        yield f"sampling: {sampled[0]} is now {sampled[1]}"
    for name in sorted(name for name in old.keys() | new.keys() if name not in SAMPLING_NAMES):
        if old.get(name) != new.get(name):
            yield f"option {name} {old.get(name)} is now {new.get(name)}"
