"""Tells models apart on a copy: the first one solid, the others dashed and with their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Detection, Label
from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.slice_rows import DrawingResults, DrawnRow
from mediaml.ops.drawing import ModelOverlay, Overlay

Moment = tuple[float, float]
"""Time and duration of a frame, seconds: the key shared by a frame and its predictions."""


@dataclass(frozen=True, slots=True)
class Author:
    """A model that has predictions for a source.

    Attributes:
        name: the model's name.
        number: its place, from 0: detectors first, then the others, in the order of their ids.
    """

    name: str
    number: int


def authors_of(models: Iterable[ModelRow]) -> dict[int, Author]:
    """The models of a source by their ids; the same for all of its slices.

    Args:
        models: every current model that has begun the source, in the order of the ids.
    """
    # Detectors first, so that the boxes of the only one are solid whatever labels come with them.
    ordered = sorted(models, key=lambda model: model.identity.task != "detect")
    return {model.id: Author(model.name, number) for number, model in enumerate(ordered)}


def overlay_of(rows: Iterable[DrawnRow], authors: Mapping[int, Author]) -> Overlay:
    """What to draw on one frame, from each model's predictions."""
    return Overlay.of_models(
        ModelOverlay(authors[row.model].name, authors[row.model].number, row.labels, row.detections)
        for row in rows
    )


def picture_of(results: DrawingResults, source: int, rows: Iterable[DrawnRow]) -> UInt8Array | None:
    """The picture that takes a frame's place: of the last model that answered with one."""
    shown = [row for row in rows if row.picture]
    return results.picture_of(source, shown[-1]) if shown else None


class SliceAnswers:
    """What is to be drawn on the frames of one slice.

    An answer belongs to the frame with its time and duration. So a window of audio, whose number may be that
    of a frame, is drawn on none.
    """

    def __init__(self, rows: Iterable[DrawnRow], authors: Mapping[int, Author]) -> None:
        self._authors = authors
        self._rows: defaultdict[Moment, dict[int, DrawnRow]] = defaultdict(dict)
        self._moments: defaultdict[int, set[Moment]] = defaultdict(set)
        for row in rows:
            moment = row.time_s, row.duration_s
            self._moments[row.model].add(moment)
            # Of frames at one moment only the first is shown.
            self._rows[moment].setdefault(row.model, row)

    def rows(self, moment: Moment) -> list[DrawnRow]:
        """What is drawn on the frame of a moment, by model."""
        return [row for row in self._rows.get(moment, {}).values() if not row.is_blank]

    def overlay(self, moment: Moment) -> Overlay:
        """Labels and boxes of all models."""
        return overlay_of(self.rows(moment), self._authors)

    def fingerprint(
        self, moment: Moment
    ) -> list[tuple[Author, tuple[Label, ...], tuple[Detection, ...], str]]:
        """All that decides what is drawn on the frame of a moment."""
        return [
            (self._authors[row.model], row.labels, row.detections, row.picture) for row in self.rows(moment)
        ]

    def agree(self, drawn: Iterable[Moment]) -> bool:
        """Whether some model has answered just the frames that were drawn."""
        return set(drawn) in self._moments.values()
