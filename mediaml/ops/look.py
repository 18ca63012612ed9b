"""How results are drawn: which styles, in which sizes and colours."""

from __future__ import annotations

from dataclasses import dataclass

from mediaml.core.errors import require
from mediaml.ops.yuv import Rgb

STYLES = {
    "boxes": "the outline of each box, with its name and score",
    "corners": "its corners only",
    "labels": "name and score only",
    "dim": "all but what was detected is darkened",
    "trails": "the way of each object; needs tracks",
    "heatmap": "where objects were so far, semi-transparent",
    "blur": "what was detected is blurred",
    "pixelate": "what was detected is shown in coarse blocks",
}
"""Names of styles, and what they draw."""
HIDING = frozenset({"blur", "pixelate"})
"""Styles that hide what was detected."""


@dataclass(frozen=True, slots=True)
class Look:
    """How results are drawn.

    Attributes:
        styles: names of `STYLES`.
        thickness: of lines, pixels; `None` goes by the size of the image.
        font_size: height of letters, pixels; `None` goes by the size of the image.
        colors: red, green and blue by label, in any letter case; other labels have their own.
        margin: by how much a hidden area is larger than a box, a share of the box's longer side per side.
        hold_s: seconds that something stays hidden before it was first seen and after it was last seen.
        trail_s: seconds of an object's way that are drawn.
        by_outline: hide outlines instead of boxes, where there are some.

    Raises:
        ValueError: a style is unknown, or a number out of its range.
    """

    styles: tuple[str, ...] = ("boxes",)
    thickness: int | None = None
    font_size: int | None = None
    colors: tuple[tuple[str, Rgb], ...] = ()
    margin: float = 0.1
    hold_s: float = 0.5
    trail_s: float = 2.0
    by_outline: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.styles) - STYLES.keys()
        require(not unknown, f"unknown style: {', '.join(sorted(unknown))}")
        require(bool(self.styles), "no style is named")
        for name in ("margin", "hold_s", "trail_s"):
            require(getattr(self, name) >= 0, f"{name} must not be negative, not {getattr(self, name)}")
        for name in ("thickness", "font_size"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"{name} must be at least 1, not {value}")

    @property
    def hides(self) -> bool:
        """Whether it hides what was detected."""
        return not HIDING.isdisjoint(self.styles)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes that suit an image, in pixels.

    Attributes:
        letters: height of the letters.
        line: thickness of a box's line.
    """

    letters: int
    line: int

    @classmethod
    def of(cls, width: int, height: int) -> Sizes:
        """For an image of this size: letters of 1/32 of the short side, 12 to 96 pixels."""
        short = min(width, height)
        return cls(letters=min(96, max(12, round(short / 32))), line=max(2, round(short / 220)))

    def dash(self, number: int) -> int:
        """Length of a line's dashes, even, for model `number`: solid (0), dashed, dotted, and round again."""
        return (0, 2 * max(4, 2 * self.line), 2 * ((self.line + 1) // 2))[number % 3]
