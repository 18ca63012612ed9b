"""What is compared: two models of one output folder, or of two; and the sources that both have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mediaml.core.errors import OutputError, UsageError
from mediaml.core.work import FrameResult
from mediaml.ledger.result_rows import ModelRow, SourceRow
from mediaml.ledger.results import Results
from mediaml.ledger.selection import ResultSelection, select_results


@dataclass(frozen=True, slots=True)
class Side:
    """The results of one model.

    Attributes:
        results: of its output folder. model: which of its models.
    """

    results: Results
    model: ModelRow

    def frames(self, source: SourceRow) -> Iterator[FrameResult]:
        """Its predictions for a source, in the order of the frames, as its view shows them."""
        return self.results.frames(self.model, source)


@dataclass(frozen=True, slots=True)
class SourcePairs:
    """The sources of two folders.

    Attributes:
        both: those that both have. only_left, only_right: paths of the others, as they were named.
    """

    both: tuple[tuple[SourceRow, SourceRow], ...]
    only_left: tuple[str, ...]
    only_right: tuple[str, ...]


def choose_sides(
    left: Results, right: Results | None, names: Sequence[str], selection: ResultSelection
) -> list[tuple[Side, Side]]:
    """The pairs of models to compare.

    Args:
        right: the second folder; `None` compares two models of the first.
        names: at most two. Of two folders: none takes every model that both have, one that model of both,
            two the first of the left folder and the second of the right. Of one folder: two models; the
            same name twice takes the identity that was asked for last and the one before it.

    Raises:
        UsageError: the names do not say what to compare.
        OutputError: there is no such model, class or source.
    """
    if len(names) > 2:
        raise UsageError(f"--model is given {len(names)} times.", "Name at most two models.")
    if right is None:
        return [_of_one_folder(left, names, selection)]
    if len(names) == 2:
        return [(_side(left, names[0], selection), _side(right, names[1], selection))]
    wanted = list(names) or _common(left, right)
    return [(_side(left, name, selection), _side(right, name, selection)) for name in wanted]


def _of_one_folder(results: Results, names: Sequence[str], selection: ResultSelection) -> tuple[Side, Side]:
    if len(names) != 2:
        known = ", ".join(dict.fromkeys(row.name for row in results.models())) or "none"
        raise UsageError(
            "one folder is compared with itself.",
            f"Name a second folder, or two of its models: --model A --model B. It has: {known}.",
        )
    if names[0] != names[1]:
        return _side(results, names[0], selection), _side(results, names[1], selection)
    current = _side(results, names[0], selection)
    others = [row for row in results.models(current=False) if row.name == names[0] and not row.current]
    if not others:
        raise OutputError(
            f"{results.folder} holds one identity of model {names[0]!r}; two are needed.",
            "Run it again with other weights (-m) or options (-O).",
        )
    earlier = ModelRow(others[-1].id, others[-1].identity, current.model.view, current=False)
    return Side(current.results, earlier), current


def _side(results: Results, name: str, selection: ResultSelection) -> Side:
    from dataclasses import replace

    selected = select_results(results, replace(selection, models=(name,)))
    # Of several versions of one identity the newest was last to answer.
    return Side(selected, selected.models()[-1])


def _common(left: Results, right: Results) -> list[str]:
    others = {row.name for row in right.models()}
    common = [name for name in dict.fromkeys(row.name for row in left.models()) if name in others]
    if not common:
        raise OutputError(
            f"{left.folder} and {right.folder} have no model in common.",
            "Name one of each: --model A --model B.",
        )
    return common


def pair_sources(left: Results, right: Results) -> SourcePairs:
    """Sources with the same path as it was named; where no path is in both folders, with the same name.

    Raises:
        OutputError: none is in both.
    """
    ours, theirs = list(left.sources()), list(right.sources())
    for key in (_shown, _name):
        known = {key(row): row for row in theirs}
        both = tuple((row, known[key(row)]) for row in ours if key(row) in known)
        if both:
            met = {row.id for _, row in both}
            mine = {row.id for row, _ in both}
            return SourcePairs(
                both,
                tuple(row.shown for row in ours if row.id not in mine),
                tuple(row.shown for row in theirs if row.id not in met),
            )
    raise OutputError(
        f"{left.folder} and {right.folder} have no source in common.",
        "Sources are matched by the paths that were given to `mediaml run`.",
    )


def _shown(row: SourceRow) -> str:
    return row.shown


def _name(row: SourceRow) -> str:
    return row.name
