"""Filled tags with text in them, in any script that the font knows."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import Protocol

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.ops.yuv import Rgb

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

    def write(self, image: UInt8Array, text: str, left: int, baseline: int, ink: Rgb) -> None:
        """Draw text on an RGB picture; `baseline` is the row that the letters stand on."""


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

    def write(self, image: UInt8Array, text: str, left: int, baseline: int, ink: Rgb) -> None:
        cv2.putText(image, text, (left, baseline), ink, self._face, self._size, WEIGHT)


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

    def write(self, image: UInt8Array, text: str, left: int, baseline: int, ink: Rgb) -> None:
        draw = partial(cv2.putText, thickness=self._thickness, lineType=cv2.LINE_AA)
        draw(image, _ascii(text), (left, baseline), self._face, self._scale, ink)


def _ascii(text: str) -> str:
    """Text without accents, `...` for an ellipsis and `?` for what ASCII cannot say."""
    bare = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(char if char.isascii() else "?" for char in bare)


def font_of(size: int) -> Font:
    """The best font of this OpenCV build, `size` pixels high."""
    return OutlineFont(size) if hasattr(cv2, "FontFace") else StrokeFont(size)


def tag(name: str, tail: str, font: Font, size: int, paper: Rgb, max_width: int) -> UInt8Array:
    """A filled tag with text in black or white.

    Args:
        name: what it says; shortened with an ellipsis where it is too long.
        tail: what it says after that, such as a score; never shortened.
        font: from `font_of(size)`.
        size: height of the letters in pixels.
        paper: colour of the tag.
        max_width: pixels that the tag may take.

    Returns:
        uint8 RGB [height, width, 3]; height and width are even, so that it fits chroma planes.
    """
    margin = max(2, size // 4)
    text, width = _shortened(drawable_text(name), tail, font, max_width - 2 * margin)
    height = _even(round(1.3 * size) + margin)
    image = np.full((height, _even(width + 2 * margin), 3), paper, np.uint8)
    # Letters of a size reach about 0.75 of it above the baseline: centre that part.
    baseline = round((height + 0.74 * size) / 2)
    font.write(image, text, margin, baseline, ink_on(paper))
    return image


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
