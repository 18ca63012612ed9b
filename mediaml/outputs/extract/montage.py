"""Contact sheets of detections, or of frames in which something was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.media import Kind
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import Results
from mediaml.media.limits import Limits
from mediaml.ops.boxes import iou_matrix
from mediaml.ops.drawing import Overlay, Painter
from mediaml.ops.hiding import grown
from mediaml.ops.look import Look
from mediaml.ops.palette import color_of
from mediaml.ops.sheet import Tile, shrunk
from mediaml.ops.surface import RgbSurface
from mediaml.outputs.extract.findings import Finding, findings
from mediaml.outputs.extract.stills import cropped, images_of

# Around a detection, so that it is seen where it is.
_MARGIN = 0.08
# Boxes of one class that overlap by more (IoU) within a second are one object.
_ALIKE = 0.2


@dataclass(frozen=True, slots=True)
class Pick:
    """What one tile shows.

    Attributes:
        source: of the frame. found: the frame with what is shown of it. score: its best.
    """

    source: SourceRow
    found: Finding
    score: float


def picks(results: Results, sources: Sequence[SourceRow], most: int, *, frames: bool) -> list[Pick]:
    """The surest detections, each object once per second, in the order of sources and times.

    Args:
        most: how many. frames: whole frames instead, one per second.
    """
    pieces = [
        pick
        for source in sources
        if source.kind is not Kind.AUDIO
        for found in findings(results, source)
        for pick in _pieces(source, found, frames=frames)
    ]
    chosen: list[Pick] = []
    near: defaultdict[tuple[int, str], list[Pick]] = defaultdict(list)
    for pick in sorted(pieces, key=lambda pick: -pick.score):
        if len(chosen) == most:
            break
        others = near[pick.source.id, "" if frames else pick.found.detections[0].label.name]
        if not any(_same(pick, other, frames=frames) for other in others):
            others.append(pick)
            chosen.append(pick)
    order = {source.id: place for place, source in enumerate(sources)}
    return sorted(chosen, key=lambda pick: (order[pick.source.id], pick.found.time_s, -pick.score))


def _pieces(source: SourceRow, found: Finding, *, frames: bool) -> Iterator[Pick]:
    if frames:
        yield Pick(source, found, max(found.best().values()))
        return
    for one in found.detections:
        yield Pick(source, replace(found, detections=(one,)), one.label.score)


def _same(one: Pick, other: Pick, *, frames: bool) -> bool:
    """Whether two picks of a source show the same within a second."""
    if abs(one.found.time_s - other.found.time_s) >= 1.0:
        return False
    if frames:
        return True
    first, second = one.found.detections[0], other.found.detections[0]
    if first.track is not None and second.track is not None:
        return first.track == second.track
    boxes = [np.array([found.box.corners], np.float32) for found in (first, second)]
    return float(iou_matrix(*boxes)[0, 0]) > _ALIKE


def tiles(chosen: Sequence[Pick], side: int, limits: Limits, *, frames: bool) -> list[Tile]:
    """The tiles of picks, in their order.

    Raises:
        MediaError: a source cannot be read.
    """
    made: list[Tile] = []
    place = 0
    while place < len(chosen):
        source = chosen[place].source
        group = [pick for pick in chosen[place:] if pick.source is source]
        for found, image in images_of(source, [pick.found for pick in group], limits):
            made += _tile(source, found, image, side, frames=frames)
        place += len(group)
    return made


def _tile(source: SourceRow, found: Finding, image: UInt8Array, side: int, *, frames: bool) -> Iterator[Tile]:
    name = source.shown.rsplit("/", 1)[-1]
    note = name if source.kind is Kind.IMAGE else f"{_clock(found.time_s)} {name}"
    if frames:
        best = sorted(found.best().items(), key=lambda item: -item[1])
        small = shrunk(image, side)
        (height, width), full = small.shape[:2], image.shape[:2]
        # Drawn when it is small, the tags can be read.
        overlay = Overlay((), found.detections).placed(width / full[1], height / full[0])
        Painter(width, height, Look(("corners",), font_size=12)).draw(RgbSurface(small), overlay)
        yield Tile(small, ", ".join(name for name, _ in best), note, color_of(best[0][0]))
        return
    detection = found.detections[0]
    crop = cropped(image, grown(detection.box, _MARGIN))
    if crop is not None:
        label = detection.label
        yield Tile(shrunk(crop, side), f"{label.name} {label.score:.2f}", note, color_of(label.name))


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes)}:{seconds:04.1f}"
