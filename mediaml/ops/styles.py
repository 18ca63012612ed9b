"""The styles: functions that draw an overlay on a surface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mediaml.core.prediction import Box, Detection, Label
from mediaml.ops.hiding import hidden_area, outermost
from mediaml.ops.lettering import Tag
from mediaml.ops.overlay import ModelOverlay, Overlay
from mediaml.ops.pen import Pen
from mediaml.ops.placement import Rect, place_tags
from mediaml.ops.shapes import Mask, filled_mask, path_mask, stroke_of
from mediaml.ops.surface import Ramp, Surface
from mediaml.ops.yuv import Rgb

DrawStyle = Callable[[Surface, Overlay, Pen], None]
"""Draws an overlay, whose boxes are in pixels of the surface."""

# At most so many blocks along the shorter and the longer side of a hidden box, each of at least so many
# pixels: no more of an object is left than a colour for its parts, whatever the resolution. The box of an
# object that the edge of the image cuts is narrow, but the object is not.
_BLOCKS, _BLOCKS_LONG, _LEAST_BLOCK = 6, 12, 4
_DIMMED = 0.65


@dataclass(frozen=True, slots=True)
class _Mark:
    """A detection that is to be drawn: the lines of its shape, and its box unless it has an outline."""

    rect: Rect
    boxed: bool
    detection: Detection
    color: Rgb
    dash: int
    tag: Tag


def draw_boxes(surface: Surface, overlay: Overlay, pen: Pen) -> None:
    """The outline of each object, or its box where it has none, and its keypoints; the surest last."""
    for mark in reversed(list(_marks(overlay, pen))):
        for rectangle in _sides(*mark.rect, pen.sizes.line) if mark.boxed else ():
            surface.fill(*rectangle, mark.color, mark.dash)
        _draw_shape(surface, mark, pen)


def draw_corners(surface: Surface, overlay: Overlay, pen: Pen) -> None:
    """The corners of each box, and outlines and keypoints as `draw_boxes`; the surest last."""
    for mark in reversed(list(_marks(overlay, pen))):
        for rectangle in _corners(*mark.rect, pen.sizes.line) if mark.boxed else ():
            surface.fill(*rectangle, mark.color)
        _draw_shape(surface, mark, pen)


def draw_tags(surface: Surface, overlay: Overlay, pen: Pen) -> None:
    """Name and score of each object, the surest last, then the labels of the image at its top left."""
    stack = list(_stack(overlay, pen))
    marks = list(_marks(overlay, pen))
    taken = [(0, top, marker.width, top + marker.height) for marker, top in stack]
    sizes = [(mark.tag.width, mark.tag.height) for mark in marks]
    places = place_tags([mark.rect for mark in marks], sizes, taken, pen.width, pen.height)
    for mark, place in reversed(list(zip(marks, places, strict=True))):
        surface.put(mark.tag, *place)
    for marker, top in stack:
        surface.put(marker, 0, top)


def blur(surface: Surface, overlay: Overlay, pen: Pen) -> None:
    """Smooth colours in place of what was detected."""
    _hide(surface, overlay, pen, smooth=True)


def pixelate(surface: Surface, overlay: Overlay, pen: Pen) -> None:
    """Coarse blocks in place of what was detected."""
    _hide(surface, overlay, pen, smooth=False)


def dim(surface: Surface, overlay: Overlay, pen: Pen) -> None:
    """Darken all but what was detected."""
    keep = np.zeros((pen.height, pen.width), bool)
    for detection in overlay.found():
        area = filled_mask(detection, pen.width, pen.height)
        if area is not None:
            rows, columns = area.pixels.shape
            keep[area.top : area.top + rows, area.left : area.left + columns] |= area.pixels
    surface.darken(Mask(~keep, 0, 0), _DIMMED)


def draw_trails(surface: Surface, overlay: Overlay, pen: Pen) -> None:
    """The ways of objects, thinner where they are older."""
    for trail in overlay.trails:
        mask = path_mask(trail.places, round(1.5 * pen.sizes.line), pen.width, pen.height)
        if mask is not None:
            surface.paint(mask, pen.color(trail.name))


def draw_heat(surface: Surface, overlay: Overlay, pen: Pen) -> None:
    """Where objects were, from transparent blue to red."""
    if overlay.heat is None or not overlay.heat.any():
        return
    levels = cv2.resize(overlay.heat, (pen.width, pen.height), interpolation=cv2.INTER_LINEAR)
    surface.blend(np.asarray(levels, np.uint8), _heat_ramp())


DRAWN_IN_ORDER: tuple[tuple[str, DrawStyle], ...] = (
    ("blur", blur),
    ("pixelate", pixelate),
    ("dim", dim),
    ("heatmap", draw_heat),
    ("trails", draw_trails),
    ("boxes", draw_boxes),
    ("corners", draw_corners),
)
"""Styles by name; `labels` is `draw_tags`, which comes last."""


def _hide(surface: Surface, overlay: Overlay, pen: Pen, *, smooth: bool) -> None:
    look = pen.look
    for detection in outermost((*overlay.found(), *overlay.held), by_outline=look.by_outline):
        # The padding of a surface repeats its edge, so it is hidden too.
        area = hidden_area(detection, look.margin, surface.width, surface.height, by_outline=look.by_outline)
        if area is not None:
            box = detection.box
            short, long = sorted((box.right - box.left, box.bottom - box.top))
            block = max(_LEAST_BLOCK, round(short / _BLOCKS), round(long / _BLOCKS_LONG))
            surface.coarsen(area, block, smooth=smooth)


def _heat_ramp() -> Ramp:
    """OpenCV's colours `turbo`, which begin transparent."""
    steps = np.arange(256, dtype=np.uint8)[:, None]
    colors = cv2.applyColorMap(steps, cv2.COLORMAP_TURBO)[:, 0, ::-1]
    alphas = np.minimum(1.0, np.arange(256) / 64) * 0.6
    return Ramp(np.ascontiguousarray(colors), alphas.astype(np.float32))


def _draw_shape(surface: Surface, mark: _Mark, pen: Pen) -> None:
    stroke = stroke_of(mark.detection, pen.sizes.line, pen.width, pen.height)
    if stroke is not None:
        surface.paint(stroke, mark.color)


def _stack(overlay: Overlay, pen: Pen) -> Iterator[tuple[Tag, int]]:
    """Tags of the labels of the whole image, by model and the surest first, and where they begin."""
    top = 0
    for layer in overlay.layers():
        for label in sorted(layer.labels, key=lambda item: -item.score):
            marker = pen.tag(_named(label, layer), _tail(label), label.name)
            if top and top + marker.height > pen.height:
                return
            yield marker, top
            top += marker.height


def _marks(overlay: Overlay, pen: Pen) -> Iterator[_Mark]:
    """The boxes that show, the surest first."""
    found = [(layer, detection) for layer in overlay.layers() for detection in layer.detections]
    for layer, detection in sorted(found, key=lambda item: -item[1].label.score):
        rect = _rounded(detection.box, pen)
        if rect[0] >= rect[2] or rect[1] >= rect[3]:
            continue
        label = detection.label
        marker = pen.tag(_named(label, layer), _tail(label, detection.track), label.name)
        dash = pen.sizes.dash(layer.number)
        yield _Mark(rect, not detection.outline, detection, pen.color(label.name), dash, marker)


def _rounded(box: Box, pen: Pen) -> Rect:
    """The pixels that a box covers, at least one each way, cut at the image; empty outside of it."""
    left, top = round(max(0.0, box.left)), round(max(0.0, box.top))
    right = min(pen.width, max(left + 1, round(min(box.right, pen.width))))
    bottom = min(pen.height, max(top + 1, round(min(box.bottom, pen.height))))
    outside = box.right <= 0 or box.bottom <= 0
    return (0, 0, 0, 0) if outside else (left, top, right, bottom)


def _named(label: Label, layer: ModelOverlay) -> str:
    return f"{label.name} ({layer.model})" if layer.model else label.name


def _tail(label: Label, track: int | None = None) -> str:
    number = "" if track is None else f" #{track}"
    return f"{number} {label.score:.2f}"


def _sides(left: int, top: int, right: int, bottom: int, line: int) -> Sequence[Rect]:
    """The four sides of a box as rectangles within it; a box thinner than two lines is filled."""
    if right - left <= 2 * line or bottom - top <= 2 * line:
        return [(left, top, right, bottom)]
    return [
        (left, top, right, top + line),
        (left, bottom - line, right, bottom),
        (left, top + line, left + line, bottom - line),
        (right - line, top + line, right, bottom - line),
    ]


def _corners(left: int, top: int, right: int, bottom: int, line: int) -> Iterator[Rect]:
    """The four corners of a box as rectangles within it, each arm a fifth of the shorter side."""
    line = 2 * line
    arm = max(2 * line, min(right - left, bottom - top) // 5)
    if right - left <= 2 * arm or bottom - top <= 2 * arm:
        yield from _sides(left, top, right, bottom, line)
        return
    for x, to in ((left, left + arm), (right - arm, right)):
        yield x, top, to, top + line
        yield x, bottom - line, to, bottom
    for y, to in ((top, top + arm), (bottom - arm, bottom)):
        yield left, y, left + line, to
        yield right - line, y, right, to
