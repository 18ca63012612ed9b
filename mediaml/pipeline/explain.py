"""Why a source would be done, done again or left alone: what `--dry-run` shows, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import msgspec

from mediaml.core.work import ModelIdentity, Source, TaskProgress
from mediaml.ledger.task_progress import Known
from mediaml.ledger.view import View
from mediaml.registry.code_version import without_code

Action = Literal["do", "do again", "go on", "retry", "leave", "fail"]


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
    view: View | None, sources: Iterable[Source], models: Sequence[ModelIdentity], *, force: bool
) -> Iterator[Reason]:
    """One reason a source and model, in the order of the sources.

    Args:
        view: of the output folder's ledger; `None` where there is none yet.
        force: everything would be done again.
    """
    for source in sources:
        known = view.known(source.path) if view else None
        for model in models:
            yield _reason(view, source, known, model, force=force)


def _reason(
    view: View | None, source: Source, known: Known | None, model: ModelIdentity, *, force: bool
) -> Reason:
    def because(action: Action, why: str) -> Reason:
        return Reason(source.shown, model.name, action, why)

    if source.problem:
        return because("fail", source.problem.splitlines()[0])
    if view is None or known is None:
        return because("do", "new")
    if not known.is_of(source):
        return because("do again", "the file has changed")
    progress = view.task_progress(known.id, model)
    if progress is None:
        return because(*_superseding(view.identities(known.id, model.name), model))
    if force:
        return because("do again", "--force")
    return because(*_remaining(progress))


def _remaining(progress: TaskProgress) -> tuple[Action, str]:
    if progress.failure is not None:
        return "retry", f"failed ({progress.failure.stage}): {progress.failure.message.splitlines()[0]}"
    if progress.complete:
        return "leave", f"done, {progress.frames} frames"
    return "go on", f"stopped after {progress.frames} frames"


def _superseding(others: Sequence[ModelIdentity], model: ModelIdentity) -> tuple[Action, str]:
    """Why answers of other versions of a model do not count; the latest is compared."""
    if not others:
        return "do", f"never seen by {model.name}"
    return "do again", "; ".join(_differences(others[-1], model))


def _differences(before: ModelIdentity, now: ModelIdentity) -> Iterator[str]:
    for field in fields(ModelIdentity):
        old, new = getattr(before, field.name), getattr(now, field.name)
        if field.name == "options":
            yield from _changed_options(old, new)
        elif field.name == "weights_sha256" and old != new:
            yield f"model {old[:12] or 'none'} is now {new[:12] or 'none'}"
        elif field.name == "version" and old != new and without_code(old) == without_code(new):
            yield "plugin code changed"
        elif field.name in ("plugin", "distribution", "version") and old != new:
            yield f"{field.name} {old} is now {new}"


def _changed_options(before: str, now: str) -> Iterator[str]:
    old, new = (msgspec.json.decode(text, type=dict[str, Any]) for text in (before, now))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"option {name} {old.get(name)} is now {new.get(name)}"
