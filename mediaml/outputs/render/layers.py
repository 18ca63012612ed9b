"""Tells models apart on a copy: the first one solid, the others dashed and with their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mediaml.core.arrays import UInt8Array
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
