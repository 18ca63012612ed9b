"""Whether all that is to be hidden in a source is known."""

from __future__ import annotations

from collections.abc import Sequence

from mediaml.core.errors import UsageError
from mediaml.core.text import counted
from mediaml.ledger.result_rows import ModelRow, SourceRow
from mediaml.ledger.selection import score_floor
from mediaml.ledger.slice_rows import DrawingResults

_MISSING = "`mediaml status` shows what is missing; the same run again does it."


def hiding_models(view: DrawingResults) -> list[ModelRow]:
    """The selected models that detect.

    Raises:
        UsageError: there is none.
    """
    found = [model for model in view.models() if model.identity.task == "detect"]
    if not found:
        raise UsageError(
            f"{view.folder} holds no detections, so there is nothing to hide.",
            "Run a model that detects: mediaml run -p yolo …",
        )
    return found


def why_unsafe(
    view: DrawingResults, source: SourceRow, models: Sequence[ModelRow], damaged: dict[int, int]
) -> tuple[str, str]:
    """Why a copy of a source might show what is to be hidden, in one clause, and what to do.

    The clause is empty where it would not.

    Args:
        models: the selected models that detect. damaged: corrupt packets by id of the source.
    """
    for model in models:
        progress = view.task_progress(source.id, model.identity, model.view)
        if progress is None:
            return f"{model.name} has not looked at it", _MISSING
        if progress.failure is not None:
            return f"{model.name} failed on it", _MISSING
        if progress.cut:
            score = f"{model.view.min_score:g}"
            option, _ = score_floor(model)
            return (
                f"{model.name} found more down to a score of {score} than were kept",
                f"For all of them run it again with -O {model.name}.{option or 'conf'}={score}.",
            )
        if not progress.complete:
            return f"{model.name} has not come to its end", _MISSING
    if source.id in damaged:
        return (
            f"{counted(damaged[source.id], 'part')} of it could not be read",
            "Repair the file or cut the parts out, and run it again.",
        )
    return "", ""
