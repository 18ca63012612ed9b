"""Which time slices of a video can be drawn while later ones are still being looked at."""

from __future__ import annotations

import math

import msgspec

from mediaml.core.media import Kind
from mediaml.ledger.encoding import TaskRecord


class _Shown(msgspec.Struct):
    """The image facts in a record's header; see `info_json`."""

    kind: Kind
    width: int | None


class DrawableSlices:
    """How far all models of a run have come with each video, according to their records.

    Models of images share one pass over a video, so none lags behind another by a slice. Audio is read in
    a pass of its own and is not drawn; it is not waited for.
    """

    def __init__(self) -> None:
        self._marks: dict[int, dict[int, float]] = {}

    def take(self, record: TaskRecord, under_way: int) -> int | None:
        """Number of the last slice of a video that can be drawn, now that a record is committed.

        Args:
            record: of one model.
            under_way: how many models of the run had not come to the end of this source before.

        Returns:
            `None` where none can be drawn yet, or this record brings nothing to be drawn.
        """
        task = record.task
        if record.failure or record.info is None:
            return None
        info = msgspec.json.decode(record.info, type=_Shown)
        if info.kind is not Kind.VIDEO or info.width is None:
            return None
        marks = self._marks.setdefault(task.source, {})
        marks[task.model] = task.slice
        heard = sum(mark != math.inf for mark in marks.values())
        if record.last:
            marks[task.model] = math.inf
        reached = min(*marks.values(), task.slice)
        # A model without a record so far may be about to commit this slice.
        reached -= heard < under_way
        return int(reached) if reached >= 0 else None

    def forget(self, source: int) -> None:
        """The source is settled."""
        self._marks.pop(source, None)
