"""Which of the kept results are shown: a choice of models, scores, classes and sources; no model is run.

`select_results` turns a `Results` into one that shows the selected part, so that whatever is written from a
`Results` (exports, outputs of plugins, rendered copies, a report) needs to know nothing of selections.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from mediaml.core.errors import OutputError, require
from mediaml.core.suggestions import suggestion
from mediaml.core.text import counted
from mediaml.core.view import EVERYTHING, View
from mediaml.core.work import Task
from mediaml.ledger.result_rows import FailureRow, ModelRow, SourceRow
from mediaml.ledger.results import Results
from mediaml.ledger.units import least_units

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class ResultSelection:
    """Which results are shown; the default is what the latest run with each model asked for.

    Attributes:
        min_score: minimum score of a label or detection, 0..1; `None` for that of the view.
        classes: names of the labels and detections wanted, in any letter case; empty for those of the view.
        models: names of the models wanted; empty for all.
        sources: patterns, of which a source's path as it was named, or its file name, matches one; `*` stands
            for any characters, `/` included. Empty for all.
        everything: start from all that is kept, instead of the view that was asked for last.

    Raises:
        ValueError: when `min_score` is out of its range.
    """

    min_score: float | None = None
    classes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    everything: bool = False

    def __post_init__(self) -> None:
        require(
            self.min_score is None or 0.0 <= self.min_score <= 1.0,
            f"min_score must be in 0..1, not {self.min_score}",
        )

    def view(self, asked: View) -> View:
        """What is shown of a model, given the view that was asked for with it last."""
        base = EVERYTHING if self.everything else asked
        score = base.min_score if self.min_score is None else self.min_score
        return replace(base, min_score=score, classes=self.classes or base.classes)

    def takes_source(self, shown: str) -> bool:
        """Whether a source is wanted, by its path as it was named."""
        if not self.sources:
            return True
        names = (shown, shown.rsplit("/", 1)[-1])
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.sources for name in names)


class SelectedResults(Results):
    """`Results` that show only what a selection takes; made by `select_results`, closed with its origin."""

    def __init__(self, origin: Results, selection: ResultSelection) -> None:
        self.folder = origin.folder
        self.selection = selection
        self._db = origin.connection

    def _models(self, ids: str, *values: int) -> list[ModelRow]:
        names = self.selection.models
        return [
            replace(row, view=self.selection.view(row.view))
            for row in super()._models(ids, *values)
            if not names or row.name in names
        ]

    def view(self, name: str) -> View | None:
        """As in `Results`, with what the selection changes."""
        asked = super().view(name)
        return None if asked is None else self.selection.view(asked)

    def sources(self) -> Iterator[SourceRow]:
        """As in `Results`, those that are selected."""
        return (row for row in super().sources() if self.selection.takes_source(row.shown))

    def failures(self, source: int | None = None, *, task: Task | None = None) -> Iterator[FailureRow]:
        """As in `Results`, of the selected sources and models."""
        names = self.selection.models
        for row in super().failures(source, task=task):
            if self.selection.takes_source(row.source.shown) and (not names or row.part in names):
                yield row

    def source_ids(self) -> list[int] | None:
        """The ids of the selected sources; `None` where all are."""
        if not self.selection.sources:
            return None
        rows = self._db.execute("SELECT id, shown FROM source ORDER BY position")
        return [number for number, shown in rows if self.selection.takes_source(shown)]

    def left_out(self) -> Iterator[tuple[ModelRow, int]]:
        """Models of which weak detections that are selected were not kept, with the number of files.

        Of detections below the score that a run asked for, the best of each frame are kept; see
        `mediaml.core.view.bounded`.
        """
        query = "SELECT count(DISTINCT source) FROM task WHERE model = ? AND cut >= ?"
        for model in self.models():
            files = self._db.execute(query, (model.id, least_units(model.view))).fetchone()[0]
            if files:
                yield model, files


def select_results(results: Results, selection: ResultSelection) -> SelectedResults:
    """The selected part of results.

    Raises:
        OutputError: there is no such model, class or source, or a score is below those that are kept.
    """
    models = results.models()
    selected = SelectedResults(results, _exact(results, models, selection))
    wanted = selected.selection
    if wanted.min_score is not None:
        for model in selected.models():
            require_kept(model, wanted.min_score)
    if wanted.sources and not selected.source_ids():
        raise OutputError(
            f"{results.folder} holds no source that matches {' or '.join(map(repr, wanted.sources))}.",
            _known_sources(results),
        )
    return selected


@contextmanager
def one_state(results: Results) -> Iterator[None]:
    """Let everything that is read within the block be of one state of the ledger, whatever a run commits."""
    results.connection.execute("BEGIN")
    try:
        yield
    finally:
        results.connection.execute("ROLLBACK")


def _exact(results: Results, models: Sequence[ModelRow], selection: ResultSelection) -> ResultSelection:
    """A selection after its models and classes were looked up."""
    names = tuple(dict.fromkeys(row.name for row in models))
    for name in selection.models:
        if name not in names:
            hint = suggestion(name, names) or f"It has: {', '.join(names) or 'none'}."
            raise OutputError(f"{results.folder} holds no results of model {name!r}.", hint)
    if not selection.classes:
        return selection
    chosen = [row for row in models if not selection.models or row.name in selection.models]
    known = {label.casefold(): label for row in chosen for label in results.classes(row)}
    for name in selection.classes:
        if name.casefold() not in known:
            hint = suggestion(name, known.values()) or _some("class", "classes", list(known.values()))
            raise OutputError(f"{results.folder} holds no class {name!r}.", hint)
    return replace(selection, classes=tuple(known[name.casefold()] for name in selection.classes))


def require_kept(model: ModelRow, min_score: float) -> None:
    """Raise where a score is below those that a model was run at.

    Raises:
        OutputError: it is.
    """
    option, floor = score_floor(model)
    if min_score < floor:
        raise OutputError(
            f"{model.name} was run down to a score of {floor:g}; weaker results were not kept.",
            f"They need inference: mediaml run -p {model.name} -O {model.name}.{option}={min_score:g} …",
        )


def score_floor(model: ModelRow) -> tuple[str, float]:
    """The option of a model that is its minimum score, and its value when the model was run.

    An empty name and 0 where it has no such option, or its plugin is not installed.
    """
    from mediaml.registry.entry_points import load_registry
    from mediaml.registry.views import view_marks

    for offer in load_registry().offers():
        if offer.spec.name == model.name:
            for name, mark in view_marks(offer.spec.options()).items():
                if mark.selects == "min_score" and name in model.options:
                    return name, float(model.options[name])
    return "", 0.0


def _known_sources(results: Results) -> str:
    query = "SELECT shown, count(*) OVER () FROM source ORDER BY position LIMIT ?"
    rows = results.connection.execute(query, (_MOST_NAMED,)).fetchall()
    return _some("source", "sources", [row[0] for row in rows], rows[0][1] if rows else 0)


def _some(noun: str, plural: str, names: Sequence[str], number: int | None = None) -> str:
    count = len(names) if number is None else number
    some = ", ".join([*names[:_MOST_NAMED], *(["…"] if count > _MOST_NAMED else [])])
    return f"It has {counted(count, noun, plural)}{f': {some}' if some else ''}."


def split_names(text: str) -> tuple[str, ...]:
    """The names in a list `a,b`; a name with commas is quoted, as in CSV: `"tench, Tinca tinca",dog`."""
    parts = re.findall(r'\s*("(?:[^"]|"")*"|[^,]*)\s*(?:,|$)', text)
    names = [part[1:-1].replace('""', '"') if part.startswith('"') else part.strip() for part in parts]
    return tuple(name for name in names if name)
