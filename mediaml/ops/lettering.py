"""Filled tags with text in them, in any script that the font knows."""

from __future__ import annotations

import unicodedata
from functools import cached_property, lru_cache, partial
from typing import Protocol

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.ops.yuv import ColorMatrix, Planes, Rgb, yuv_of

BLACK: Rgb = (0, 0, 0)
WHITE: Rgb = (255, 255, 255)
ELLIPSIS = "…"
WEIGHT = 600  # semi-bold on the scale of OpenType: thin strokes drown in video compression


def ink_on(paper: Rgb) -> Rgb:
    """Black or white, whichever has the higher contrast on `paper`.

    The contrast ratio is that of WCAG 2.2, "contrast ratio" and "relative luminance"; 0.179 is where the
    ratios with black and with white are equal: sqrt(1.05 * 0.05) - 0.05.
    """
    linear = [_linear(value / 255) for value in paper]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return BLACK if luminance > 0.179 else WHITE


def _linear(value: float) -> float:
    """One sRGB component 0..1 made linear (IEC 61966-2-1)."""
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def drawable_text(text: str) -> str:
    """One line of text without control characters; runs of white space become one space."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


class Font(Protocol):
    """Letters of one size."""

    def width(self, text: str) -> int:
        """Pixels that the text takes in a row."""

    def write(self, coverage: UInt8Array, text: str, left: int, baseline: int) -> None:
        """Draw text at level 255 on uint8 [height, width]; the letters stand on the row `baseline`."""


class OutlineFont:
    """OpenCV 5's built-in TrueType fonts: Latin, Greek, Cyrillic and CJK.

    Args:
        size: height of the letters in pixels.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._face = cv2.FontFace("sans")

    def width(self, text: str) -> int:
        left, _, width, _ = cv2.getTextSize((1, 1), text, (0, 0), self._face, self._size, WEIGHT)
        return left + width

    def write(self, coverage: UInt8Array, text: str, left: int, baseline: int) -> None:
        cv2.putText(coverage, text, (left, baseline), (255,), self._face, self._size, WEIGHT)


class StrokeFont:
    """OpenCV's Hershey letters, for builds without fonts: beyond ASCII an accent is lost, a letter is "?".

    Args:
        size: height of the letters in pixels.
    """

    def __init__(self, size: int) -> None:
        self._face = cv2.FONT_HERSHEY_SIMPLEX
        self._thickness = max(1, round(size / 14))
        self._scale = size / 30  # a capital of this face is 21 units high; letters with tails need 30

    def width(self, text: str) -> int:
        (width, _), _ = cv2.getTextSize(_ascii(text), self._face, self._scale, self._thickness)
        return width

    def write(self, coverage: UInt8Array, text: str, left: int, baseline: int) -> None:
        draw = partial(cv2.putText, thickness=self._thickness, lineType=cv2.LINE_AA)
        draw(coverage, _ascii(text), (left, baseline), self._face, self._scale, (255,))


def _ascii(text: str) -> str:
    """Text without accents, `...` for an ellipsis and `?` for what ASCII cannot say."""
    bare = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(char if char.isascii() else "?" for char in bare)


def font_of(size: int) -> Font:
    """The best font of this OpenCV build, `size` pixels high."""
    return OutlineFont(size) if hasattr(cv2, "FontFace") else StrokeFont(size)


class Tag:
    """A filled tag with text in black or white, whichever reads better; lettered once for every surface.

    Args:
        coverage: uint8 [height, width], 0 where the paper shows and 255 where the ink does; sizes are even.
        paper: colour of the tag.
    """

    def __init__(self, coverage: UInt8Array, paper: Rgb) -> None:
        self.height, self.width = coverage.shape
        self._coverage = coverage
        self._paper, self._ink = paper, ink_on(paper)
        self._planes: dict[ColorMatrix, Planes] = {}

    @cached_property
    def image(self) -> UInt8Array:
        """As uint8 RGB [height, width, 3]."""
        pairs = zip(self._paper, self._ink, strict=True)
        bands = [_mixed(self._coverage, paper, ink) for paper, ink in pairs]
        return np.asarray(cv2.merge(bands), dtype=np.uint8)

    def planes(self, matrix: ColorMatrix) -> Planes:
        """As limited-range yuv420p; coverage is mixed in YUV, which is linear in RGB."""
        if matrix not in self._planes:
            half = (self.width // 2, self.height // 2)
            quarter = np.asarray(cv2.resize(self._coverage, half, interpolation=cv2.INTER_AREA), np.uint8)
            paper, ink = yuv_of(self._paper, matrix), yuv_of(self._ink, matrix)
            self._planes[matrix] = Planes(
                *(
                    _mixed(part, paper[plane], ink[plane])
                    for plane, part in enumerate((self._coverage, quarter, quarter))
                )
            )
        return self._planes[matrix]


def _mixed(coverage: UInt8Array, paper: int, ink: int) -> UInt8Array:
    return np.asarray(cv2.LUT(coverage, _levels(paper, ink)), dtype=np.uint8)


@lru_cache(maxsize=1024)
def _levels(paper: int, ink: int) -> UInt8Array:
    """One component from no coverage (0) to full coverage (255)."""
    return np.rint(np.linspace(paper, ink, 256)).astype(np.uint8)


def tag(name: str, tail: str, font: Font, size: int, paper: Rgb, max_width: int) -> Tag:
    """Letter a tag.

    Args:
        name: what it says; shortened with an ellipsis where it is too long.
        tail: what it says after that, such as a score; never shortened.
        font: from `font_of(size)`.
        size: height of the letters in pixels.
        paper: colour of the tag.
        max_width: pixels that the tag may take.

    Returns:
        Height and width are even, so that the tag fits chroma planes.
    """
    margin = max(2, size // 4)
    text, width = _shortened(drawable_text(name), tail, font, max_width - 2 * margin)
    height = _even(round(1.3 * size) + margin)
    coverage = np.zeros((height, _even(width + 2 * margin)), np.uint8)
    # Letters of a size reach about 0.75 of it above the baseline: centre that part.
    baseline = round((height + 0.74 * size) / 2)
    font.write(coverage, text, margin, baseline)
    return Tag(coverage, paper)


def _shortened(name: str, tail: str, font: Font, room: int) -> tuple[str, int]:
    """Name and tail, the name cut until both fit into `room` pixels, and the width of both."""
    text = name + tail
    width = font.width(text)
    length = len(name)
    while width > room and length > 1:
        length = max(1, min(length - 1, length * room // width))
        text = name[:length].rstrip() + ELLIPSIS + tail
        width = font.width(text)
    return text, width


def _even(value: int) -> int:
    return value + value % 2
