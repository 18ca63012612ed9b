"""The results in an output folder, as typed rows; may be read while a run is committing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import msgspec

from mediaml.core.errors import OutputError
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts, Kind
from mediaml.core.view import View
from mediaml.core.work import FrameResult, ModelIdentity, Task, TaskProgress
from mediaml.ledger.encoding import view_of_json
from mediaml.ledger.failure_rows import damaged_rows, failure_rows
from mediaml.ledger.frames import KeptFrame, kept_frames
from mediaml.ledger.integrity import UNREADABLE, check
from mediaml.ledger.progress import ProgressRow, RunRow, progress, runs
from mediaml.ledger.result_rows import SOURCE_COLUMNS, FailureRow, ModelRow, SourceRow, model_rows, source_row
from mediaml.ledger.schema import BATCH_PREFIX, FILE_NAME, VIEW_PREFIX, connect
from mediaml.ledger.task_progress import Known, file_state, model_id, task_progress
from mediaml.ledger.totals import LabelTotals, found
from mediaml.ledger.trouble import ledger_error


class Results(AbstractContextManager["Results"]):
    """Read-only queries over one output folder. Use from the thread that opened it, best in a `with` block.

    Of several identities of one model, which differ in weights or in options that change its predictions, the
    one that was asked for last is shown, through the view that was asked for with it.

    Raises:
        OutputError: there is no ledger, it cannot be opened, or, also within the `with` block, is damaged.
    """

    def __init__(self, folder: Path, *, checked: bool = False) -> None:
        if not (folder / FILE_NAME).exists():
            raise OutputError(f"{folder} holds no ledger.", "Name the folder given to `mediaml run -o`.")
        self.folder = folder
        self._db = connect(folder, readonly=True, checked=checked)

    @property
    def connection(self) -> sqlite3.Connection:
        """The open ledger, which cannot be written through it; for queries of this package."""
        return self._db

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        with closing(self._db):
            try:
                if isinstance(error, sqlite3.DatabaseError):
                    raise error
                if isinstance(error, ValueError | TypeError | LookupError | msgspec.MsgspecError):
                    check(self._db)  # damage may be what is behind it
            except UNREADABLE as damage:
                raise ledger_error(self.folder / FILE_NAME, damage, "read") from error

    def latest_header(self) -> dict[str, Any]:
        """The header of the latest run; empty where there was none."""
        row = self._db.execute("SELECT header FROM run ORDER BY id DESC LIMIT 1").fetchone()
        return msgspec.json.decode(row[0], type=dict[str, Any]) if row else {}

    def batch_limits(self) -> dict[str, int]:
        """The largest batches that fitted in memory, by the key with which they were noted."""
        rows = self._db.execute("SELECT key, value FROM meta WHERE key LIKE ?", (f"{BATCH_PREFIX}%",))
        return {key.removeprefix(BATCH_PREFIX): int(value) for key, value in rows}

    def models(self, *, current: bool = True, begun: bool = True) -> list[ModelRow]:
        """The models of a ledger, in the order of their ids.

        Args:
            current: only the identities that were asked for last.
            begun: only those that have predicted or failed.
        """
        rows = self._models("SELECT model FROM task" if begun else "SELECT id FROM model")
        return [row for row in rows if row.current or not current]

    def models_of(self, source: int) -> list[ModelRow]:
        """The current models that have begun a source, in the order of their ids."""
        return [row for row in self._models("SELECT model FROM task WHERE source = ?", source) if row.current]

    def _models(self, ids: str, *values: int) -> list[ModelRow]:
        """The models whose ids a query yields."""
        return model_rows(self._db, ids, values)

    def view(self, name: str) -> View | None:
        """What the latest run with a model asked to see, by its name; `None` where there was none."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (f"{VIEW_PREFIX}{name}",)).fetchone()
        return None if row is None else view_of_json(row[0])

    def classes(self, model: ModelRow) -> tuple[str, ...]:
        """The label list of a model: its own, in its order, where it has one; then other names it gave."""
        rows = self._db.execute("SELECT name FROM class WHERE model = ? ORDER BY id", (model.id,))
        return tuple(row[0] for row in rows)

    def sources(self) -> Iterator[SourceRow]:
        """Every source, in the order they were given."""
        return map(source_row, self._db.execute(f"SELECT {SOURCE_COLUMNS} FROM source ORDER BY position"))

    def source(self, source: int) -> SourceRow:
        """One source, by its id."""
        query = f"SELECT {SOURCE_COLUMNS} FROM source WHERE id = ?"
        return source_row(self._db.execute(query, (source,)).fetchone())

    def frames(
        self,
        model: str | ModelRow | None = None,
        source: str | SourceRow | None = None,
        view: View | None = None,
    ) -> Iterator[FrameResult]:
        """Predictions by source in the order they were given, then by model, then by frame; one at a time.

        Args:
            model: only of the model of that name, as it was asked for last, or of one of `models`.
            source: only of the file named so, or of one of `sources`.
            view: what to show of them; `None` for what the latest run with that model asked for. `View()`
                shows all that is kept.

        Raises:
            OutputError: there is no such model or source, or the ledger is damaged.
        """
        try:
            models = self._chosen_models(model)
            for row in self._chosen_sources(source):
                for one in models:
                    shown = one.view if view is None else view
                    for kept in kept_frames(self._db, row.id, one.id, shown, folder=self.folder):
                        yield kept.result(row.shown, one.name)
        except UNREADABLE as error:
            raise ledger_error(self.folder / FILE_NAME, error, "read") from error

    def _chosen_models(self, model: str | ModelRow | None) -> list[ModelRow]:
        if isinstance(model, ModelRow):
            return [model]
        models = self.models()
        found = [row for row in models if model in (None, row.name)]
        if model is not None and not found:
            names = ", ".join(dict.fromkeys(row.name for row in models)) or "none"
            raise OutputError(f"{self.folder} holds no results of model {model!r}.", f"It has: {names}.")
        return found

    def _chosen_sources(self, source: str | SourceRow | None) -> Iterator[SourceRow]:
        if isinstance(source, SourceRow):
            return iter([source])
        if source is None:
            return self.sources()
        found = [row for row in self.sources() if row.shown == source]
        if not found:
            raise OutputError(f"{self.folder} holds no results of {source}.")
        return iter(found)

    def kept(self, source: int, *, task: Task | None = None) -> Iterator[tuple[ModelRow, KeptFrame]]:
        """The frames of a source, or of one task of it, in the ledger's units."""
        models = self.models_of(source) if task is None else self._models("SELECT ?", task.model)
        for model in models:
            number = None if task is None else task.slice
            for kept in kept_frames(self._db, source, model.id, model.view, number):
                yield model, kept

    def failures(self, source: int | None = None, *, task: Task | None = None) -> Iterator[FailureRow]:
        """What failed, by source and model; then, unless one task is asked for, outputs not written."""
        return failure_rows(self._db, source, task)

    def found(self, model: ModelRow, sources: Collection[int]) -> LabelTotals:
        """The totals per label of a model in some sources, given by their ids, in its view."""
        return found(self._db, model.id, model.name, model.view, sources)

    def damaged(self) -> Iterator[tuple[SourceRow, DecodeAccounts]]:
        """Sources that were read to their end although parts of them are damaged, with their accounts."""
        return damaged_rows(self._db)

    def known(self, path: Location) -> Known | None:
        """The stamp of a file when it was read; `None` where it is new."""
        row = self._db.execute(
            "SELECT id, size, mtime_ns, digest, kind FROM source WHERE path = ?", (os.fsencode(str(path)),)
        ).fetchone()
        return Known(*row) if row else None

    def task_progress(
        self, source: int, model: ModelIdentity, view: View | None = None
    ) -> TaskProgress | None:
        """The progress of this model on a source; `None` where it has never begun."""
        number = model_id(self._db, model)
        begun = "SELECT 1 FROM task WHERE source = ? AND model = ?"
        if number is None or self._db.execute(begun, (source, number)).fetchone() is None:
            return None
        return task_progress(self._db, source, number, view)

    def identities(self, name: str, source: int | None = None) -> list[ModelIdentity]:
        """The identities of a model, by its name: first those that have finished most sources.

        Args:
            source: only those that have begun this one, oldest first.
        """
        columns = ", ".join(field.name for field in fields(ModelIdentity))
        finished = "SELECT count(*) FROM task WHERE model = id AND last AND stage IS NULL"
        rest = (
            f"ORDER BY ({finished}) DESC, id DESC"
            if source is None
            else "AND id IN (SELECT model FROM task WHERE source = ?) ORDER BY id"
        )
        values = (name,) if source is None else (name, source)
        rows = self._db.execute(f"SELECT {columns} FROM model WHERE name = ? {rest}", values)
        return [ModelIdentity(*row) for row in rows]

    def artifact_done(self, source: int, kind: str) -> bool:
        """Whether a source's derived file is up to date with its predictions, and as it was written."""
        query = "SELECT path, size, mtime_ns FROM artifact WHERE source = ? AND kind = ? AND done"
        row = self._db.execute(query, (source, kind)).fetchone()
        return bool(row) and (row[1:] == (None, None) or file_state(self.folder / row[0]) == row[1:])

    def progress(
        self,
        reads: Callable[[str, Kind], bool] = lambda _, __: True,
        outdated: Callable[[str, str], bool] = lambda _, __: False,
    ) -> list[ProgressRow]:
        """The progress of each model; see `mediaml.ledger.progress`."""
        return progress(self._db, reads, outdated)

    def runs(self) -> list[RunRow]:
        """Every run, oldest first."""
        return runs(self._db)


def open_results(folder: Path | str, *, checked: bool = True) -> Results:
    """The results in the output folder of a run; see `Results`.

    A ledger of an older mediaml is migrated first, which takes a moment once. The rows of each file are
    checked when they are read.

    Args:
        checked: check the whole ledger first, up to 256 MiB; that takes about 2 s per 100 MB.

    Raises:
        OutputError: there is no ledger, or it cannot be opened.
    """
    return Results(Path(folder), checked=checked)
