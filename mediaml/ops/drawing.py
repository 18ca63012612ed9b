"""Boxes and labels drawn on a picture: on RGB pixels or on the planes of a video frame."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Box, Detection, Label
from mediaml.ops.lettering import font_of, tag
from mediaml.ops.yuv import ColorMatrix, Planes, Rgb, planes_of, yuv_of

# Tags differ by name and by score: enough for the crowd of one scene, too few to be felt in memory.
_TAGS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is drawn on one frame: labels of the whole picture, and boxes in displayed source pixels."""

    labels: tuple[Label, ...] = ()
    detections: tuple[Detection, ...] = ()

    def scaled(self, x: float, y: float) -> Overlay:
        """With boxes stretched by a factor along each axis."""
        return Overlay(self.labels, tuple(_scaled(detection, x, y) for detection in self.detections))


def _scaled(detection: Detection, x: float, y: float) -> Detection:
    box = detection.box
    stretched = Box(box.left * x, box.top * y, box.right * x, box.bottom * y)
    return Detection(detection.label, stretched, detection.track)


def color_of(name: str) -> Rgb:
    """The colour of a class: the same in every run, process and file, vivid, with hues all round the circle.

    Hue, lightness and saturation (HLS) are read off a hash of the name, so no list of classes is needed.

    Returns:
        Red, green and blue, 0..255.
    """
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    hue = int.from_bytes(digest[:4], "big") / 2**32
    lightness = 0.42 + 0.24 * digest[4] / 255
    saturation = 0.75 + 0.25 * digest[5] / 255
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)


@dataclass(frozen=True, slots=True)
class Style:
    """Sizes that suit a picture, in pixels.

    Attributes:
        letters: height of the letters.
        line: thickness of a box's line.
    """

    letters: int
    line: int

    @classmethod
    def of(cls, width: int, height: int) -> Style:
        """For a picture of this size: letters of 1/32 of the short side, 12 to 96 pixels."""
        short = min(width, height)
        return cls(letters=min(96, max(12, round(short / 32))), line=max(2, round(short / 220)))


class Tag:
    """A label ready to be put on a picture, kept in every form that was asked for."""

    def __init__(self, image: UInt8Array) -> None:
        self.image = image
        self.height, self.width = image.shape[:2]
        self._planes: dict[ColorMatrix, Planes] = {}

    def planes(self, matrix: ColorMatrix) -> Planes:
        """As limited-range yuv420p."""
        if matrix not in self._planes:
            self._planes[matrix] = planes_of(self.image, matrix)
        return self._planes[matrix]


class Surface(Protocol):
    """A picture that can be drawn on in place; coordinates are pixels within it."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""

    def fill(self, left: int, top: int, right: int, bottom: int, color: Rgb) -> None:
        """Fill a rectangle; right and bottom are exclusive."""

    def put(self, label: Tag, left: int, top: int) -> None:
        """Put a tag; what hangs over the right or bottom edge is cut. `left` and `top` are even."""


class RgbSurface:
    """Draws on a uint8 RGB picture [height, width, 3], which is changed in place."""

    def __init__(self, image: UInt8Array) -> None:
        self._image = image
        self.height, self.width = image.shape[:2]

    def fill(self, left: int, top: int, right: int, bottom: int, color: Rgb) -> None:
        self._image[top:bottom, left:right] = color

    def put(self, label: Tag, left: int, top: int) -> None:
        _blit(self._image, label.image, left, top)


class YuvSurface:
    """Draws on limited-range yuv420p planes, which are changed in place; no RGB picture is ever made.

    Args:
        planes: the frame's own planes, writable.
        matrix: the matrix that the stream is in.
    """

    def __init__(self, planes: Planes, matrix: ColorMatrix) -> None:
        self._planes = planes
        self._matrix = matrix
        self.width, self.height = planes.width, planes.height

    def fill(self, left: int, top: int, right: int, bottom: int, color: Rgb) -> None:
        y, u, v = _yuv_of(color, self._matrix)
        self._planes.y[top:bottom, left:right] = y
        rows, columns = slice(top // 2, (bottom + 1) // 2), slice(left // 2, (right + 1) // 2)
        self._planes.u[rows, columns] = u
        self._planes.v[rows, columns] = v

    def put(self, label: Tag, left: int, top: int) -> None:
        patch = label.planes(self._matrix)
        _blit(self._planes.y, patch.y, left, top)
        _blit(self._planes.u, patch.u, left // 2, top // 2)
        _blit(self._planes.v, patch.v, left // 2, top // 2)


_yuv_of = lru_cache(maxsize=4096)(yuv_of)


def _blit(plane: UInt8Array, patch: UInt8Array, left: int, top: int) -> None:
    area = plane[top : top + patch.shape[0], left : left + patch.shape[1]]
    area[:] = patch[: area.shape[0], : area.shape[1]]


class Painter:
    """Draws overlays on pictures of one size; it keeps the tags that it has lettered.

    Args:
        width, height: pixels of the displayed picture. A surface may be a little larger (padded to even
            sizes); nothing is drawn beyond the picture.
    """

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._style = Style.of(width, height)
        self._font = font_of(self._style.letters)
        self._tag = lru_cache(maxsize=_TAGS_KEPT)(self._letter)

    def draw(self, surface: Surface, overlay: Overlay) -> None:
        """Draw boxes with their tags, the surest last, then the picture's own labels at the top left."""
        for detection in sorted(overlay.detections, key=lambda item: item.label.score):
            self._draw_detection(surface, detection)
        top = 0
        for label in sorted(overlay.labels, key=lambda item: -item.score):
            marker = self._tag(label.name, _tail(label))
            if top and top + marker.height > self._height:
                break
            surface.put(marker, 0, top)
            top += marker.height

    def _draw_detection(self, surface: Surface, detection: Detection) -> None:
        color = color_of(detection.label.name)
        left, top, right, bottom = self._rounded(detection.box)
        if left >= right or top >= bottom:
            return
        for rectangle in _outline(left, top, right, bottom, self._style.line):
            surface.fill(*rectangle, color)
        marker = self._tag(detection.label.name, _tail(detection.label, detection.track))
        # Above the box where there is room, else within it; always inside the picture, on even pixels.
        above = top - marker.height
        row = above if above >= 0 else min(top, self._height - marker.height)
        column = min(left, self._width - marker.width)
        surface.put(marker, max(0, column) & ~1, max(0, row) & ~1)

    def _rounded(self, box: Box) -> tuple[int, int, int, int]:
        """The pixels that a box covers, at least one each way, cut at the picture; empty outside of it."""
        left, top = round(max(0.0, box.left)), round(max(0.0, box.top))
        right = min(self._width, max(left + 1, round(min(box.right, self._width))))
        bottom = min(self._height, max(top + 1, round(min(box.bottom, self._height))))
        outside = box.right <= 0 or box.bottom <= 0
        return (0, 0, 0, 0) if outside else (left, top, right, bottom)

    def _letter(self, name: str, tail: str) -> Tag:
        return Tag(tag(name, tail, self._font, self._style.letters, color_of(name), self._width))


def _tail(label: Label, track: int | None = None) -> str:
    number = "" if track is None else f" #{track}"
    return f"{number} {label.score:.2f}"


def _outline(left: int, top: int, right: int, bottom: int, line: int) -> Iterator[tuple[int, int, int, int]]:
    """The four sides of a box as rectangles within it; a box thinner than two lines is filled."""
    if right - left <= 2 * line or bottom - top <= 2 * line:
        yield left, top, right, bottom
        return
    yield left, top, right, top + line
    yield left, bottom - line, right, bottom
    yield left, top + line, left + line, bottom - line
    yield right - line, top + line, right, bottom - line
