"""Boxes and labels drawn on an image: on RGB pixels or on the planes of a video frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from mediaml.core.prediction import Box, Detection, Label
from mediaml.ops.lettering import Tag, font_of, tag
from mediaml.ops.palette import color_of
from mediaml.ops.placement import Rect, place_tags
from mediaml.ops.shapes import Stroke, stroke_of
from mediaml.ops.surface import Surface
from mediaml.ops.yuv import Rgb

# Tags differ by name and by score: enough for a crowded scene, about 30 MB at 4K.
_TAGS_KEPT = 256


@dataclass(frozen=True, slots=True)
class ModelOverlay:
    """What one of several models predicted for one frame.

    Attributes:
        model: its name, shown in its tags.
        number: its place among the models of a source, from 0; decides how lines are drawn.
        labels: of the whole image.
        detections: boxes in displayed source pixels.
    """

    model: str
    number: int
    labels: tuple[Label, ...] = ()
    detections: tuple[Detection, ...] = ()


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is drawn on one frame.

    Attributes:
        labels: of the whole image.
        detections: boxes in displayed source pixels.
        others: what further models predicted, drawn with their names and with broken lines.
    """

    labels: tuple[Label, ...] = ()
    detections: tuple[Detection, ...] = ()
    others: tuple[ModelOverlay, ...] = ()

    @classmethod
    def of_models(cls, layers: Iterable[ModelOverlay]) -> Overlay:
        """The predictions of several models; those of model 0 are drawn as if they were the only ones."""
        layers = tuple(layers)
        first = [layer for layer in layers if layer.number == 0]
        return cls(
            tuple(label for layer in first for label in layer.labels),
            tuple(detection for layer in first for detection in layer.detections),
            tuple(layer for layer in layers if layer.number > 0),
        )

    def placed(self, x: float, y: float, left: float = 0.0, top: float = 0.0) -> Overlay:
        """On an image that was scaled by `x` and `y`, then moved by `left` and `top` pixels."""

        def moved(detections: Iterable[Detection]) -> tuple[Detection, ...]:
            return tuple(found.placed(x, y, left, top) for found in detections)

        others = tuple(replace(layer, detections=moved(layer.detections)) for layer in self.others)
        return Overlay(self.labels, moved(self.detections), others)

    def layers(self) -> Iterator[ModelOverlay]:
        """All models, the first one without a name."""
        yield ModelOverlay("", 0, self.labels, self.detections)
        yield from self.others


@dataclass(frozen=True, slots=True)
class Style:
    """Sizes that suit an image, in pixels.

    Attributes:
        letters: height of the letters.
        line: thickness of a box's line.
    """

    letters: int
    line: int

    @classmethod
    def of(cls, width: int, height: int) -> Style:
        """For an image of this size: letters of 1/32 of the short side, 12 to 96 pixels."""
        short = min(width, height)
        return cls(letters=min(96, max(12, round(short / 32))), line=max(2, round(short / 220)))

    def dash(self, number: int) -> int:
        """Length of a line's dashes, even, for model `number`: solid (0), dashed, dotted, and round again."""
        return (0, 2 * max(4, 2 * self.line), 2 * ((self.line + 1) // 2))[number % 3]


@dataclass(frozen=True, slots=True)
class _Mark:
    """A detection that is to be drawn: the lines of its shape, and its box unless it has an outline."""

    rect: Rect
    boxed: bool
    stroke: Stroke | None
    color: Rgb
    dash: int
    tag: Tag


class Painter:
    """Draws overlays on images of one size; it caches rendered tags.

    Args:
        width, height: pixels of the displayed image. A surface may be a little larger (padded to even
            sizes); nothing is drawn beyond the image.
    """

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._style = Style.of(width, height)
        self._font = font_of(self._style.letters)
        self._tag = lru_cache(maxsize=_TAGS_KEPT)(self._letter)

    def draw(self, surface: Surface, overlay: Overlay) -> None:
        """Draw all boxes, then their tags, the surest last, then the labels of the image at its top left."""
        stack = list(self._stack(overlay))
        marks = list(self._marks(overlay))
        for mark in reversed(marks):
            for rectangle in _sides(*mark.rect, self._style.line) if mark.boxed else ():
                surface.fill(*rectangle, mark.color, mark.dash)
            if mark.stroke is not None:
                surface.paint(mark.stroke, mark.color)
        taken = [(0, top, marker.width, top + marker.height) for marker, top in stack]
        for mark, place in reversed(list(zip(marks, self._places(marks, taken), strict=True))):
            surface.put(mark.tag, *place)
        for marker, top in stack:
            surface.put(marker, 0, top)

    def _stack(self, overlay: Overlay) -> Iterator[tuple[Tag, int]]:
        """Tags of the labels of the whole image, by model and the surest first, and where they begin."""
        top = 0
        for layer in overlay.layers():
            for label in sorted(layer.labels, key=lambda item: -item.score):
                marker = self._tag(_named(label, layer), _tail(label), color_of(label.name))
                if top and top + marker.height > self._height:
                    return
                yield marker, top
                top += marker.height

    def _marks(self, overlay: Overlay) -> Iterator[_Mark]:
        """The boxes that show, the surest first."""
        found = [(layer, detection) for layer in overlay.layers() for detection in layer.detections]
        for layer, detection in sorted(found, key=lambda item: -item[1].label.score):
            rect = self._rounded(detection.box)
            if rect[0] >= rect[2] or rect[1] >= rect[3]:
                continue
            label, color = detection.label, color_of(detection.label.name)
            marker = self._tag(_named(label, layer), _tail(label, detection.track), color)
            stroke = stroke_of(detection, self._style.line, self._width, self._height)
            dash = self._style.dash(layer.number)
            yield _Mark(rect, not detection.outline, stroke, color, dash, marker)

    def _places(self, marks: Sequence[_Mark], taken: Sequence[Rect]) -> list[tuple[int, int]]:
        sizes = [(mark.tag.width, mark.tag.height) for mark in marks]
        return place_tags([mark.rect for mark in marks], sizes, taken, self._width, self._height)

    def _rounded(self, box: Box) -> Rect:
        """The pixels that a box covers, at least one each way, cut at the image; empty outside of it."""
        left, top = round(max(0.0, box.left)), round(max(0.0, box.top))
        right = min(self._width, max(left + 1, round(min(box.right, self._width))))
        bottom = min(self._height, max(top + 1, round(min(box.bottom, self._height))))
        outside = box.right <= 0 or box.bottom <= 0
        return (0, 0, 0, 0) if outside else (left, top, right, bottom)

    def _letter(self, name: str, tail: str, color: Rgb) -> Tag:
        return tag(name, tail, self._font, self._style.letters, color, self._width)


def _named(label: Label, layer: ModelOverlay) -> str:
    return f"{label.name} ({layer.model})" if layer.model else label.name


def _tail(label: Label, track: int | None = None) -> str:
    number = "" if track is None else f" #{track}"
    return f"{number} {label.score:.2f}"


def _sides(left: int, top: int, right: int, bottom: int, line: int) -> Iterator[Rect]:
    """The four sides of a box as rectangles within it; a box thinner than two lines is filled."""
    if right - left <= 2 * line or bottom - top <= 2 * line:
        yield left, top, right, bottom
        return
    yield left, top, right, top + line
    yield left, bottom - line, right, bottom
    yield left, top + line, left + line, bottom - line
    yield right - line, top + line, right, bottom - line
