"""The typed rows that `Results` yields, beside the frames."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from mediaml.core.errors import MediaError
from mediaml.core.location import Location, is_stream, location_of
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.view import View
from mediaml.core.work import Failure, ModelIdentity
from mediaml.ledger.encoding import info_of, view_of_json
from mediaml.ledger.schema import VIEW_PREFIX

SOURCE_COLUMNS = "source.id, source.path, source.shown, source.name, source.kind, source.info"
"""SQL: the columns that `source_row` takes."""
CURRENT = "model IN (SELECT model_id FROM models WHERE current)"
"""SQL: a condition on rows with a model: it was asked for last."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the ledger holds it.

    Attributes:
        id: in the ledger.
        path: absolute, or the URL.
        shown: the path as it was named, `/` between its parts, without secrets.
        name: where its outputs go under the output folder.
        kind: `None` while it has never been opened.
        info: what the file says of itself; `None` while it has never been opened.
    """

    id: int
    path: Location
    shown: str
    name: str
    kind: Kind | None
    info: MediaInfo | None = None

    @property
    def file(self) -> Location:
        """The local file, or the object of a store, which can be read again.

        Raises:
            MediaError: it is a stream, which is read once and has no copy.
        """
        if is_stream(self.path):
            raise MediaError(f"{self.path} is a stream, which is read only once.", "Download it first.")
        return self.path


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model that has predicted or failed.

    Attributes:
        id: in the ledger.
        identity: what decides its predictions.
        view: what the latest run with a model of that name asked to see.
        current: whether it is the identity that was asked for last, or an older version of it.
        clip_frames: frames of the clips that its answers are for; `None` where they are for single frames or
            windows of audio.
    """

    id: int
    identity: ModelIdentity
    view: View
    current: bool = True
    clip_frames: int | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.identity.name

    @property
    def options(self) -> dict[str, Any]:
        """The options that it was run with, those that only select at their floor."""
        return msgspec.json.decode(self.identity.options, type=dict[str, Any])


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A source that failed for a model, or for which an output could not be written.

    Attributes:
        source: which.
        model: the model's name; `None` where an output failed.
        failure: why.
        accounts: what the reader counted before.
        output: what could not be written, such as `annotated`; `None` where a model failed.
    """

    source: SourceRow
    model: str | None
    failure: Failure
    accounts: DecodeAccounts
    output: str | None = None

    @property
    def part(self) -> str:
        """The name of what failed: the model's or the output's."""
        return self.model or self.output or ""


def source_row(row: tuple[Any, ...]) -> SourceRow:
    """A source of its columns id, path, shown, name, kind and info."""
    path = location_of(os.fsdecode(row[1]))
    kind = Kind(row[4]) if row[4] else None
    return SourceRow(
        row[0], path, row[2], row[3], kind, None if row[5] is None else info_of(row[5], str(path))
    )


def model_rows(db: sqlite3.Connection, ids: str, values: Sequence[int]) -> list[ModelRow]:
    """The models whose ids a query yields, in their order.

    Args:
        values: of the marks in the query.
    """
    columns = ", ".join(f"model.{field.name}" for field in fields(ModelIdentity))
    rows = db.execute(
        f"SELECT model.id, models.current, coalesce(meta.value, '{{}}'), frames, {columns} FROM model "
        "JOIN models ON models.model_id = model.id LEFT JOIN meta ON meta.key = ? || model.name "
        f"LEFT JOIN clip_model ON clip_model.model = model.id WHERE model.id IN ({ids}) ORDER BY model.id",
        (VIEW_PREFIX, *values),
    )
    return [
        ModelRow(number, ModelIdentity(*identity), view_of_json(view), bool(current), frames)
        for number, current, view, frames, *identity in rows
    ]
