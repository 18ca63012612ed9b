"""Results drawn on an image in one of several styles: on RGB pixels or on the planes of a video frame."""

from __future__ import annotations

from mediaml.ops.look import Look, Sizes
from mediaml.ops.overlay import ModelOverlay, Overlay
from mediaml.ops.pen import Pen
from mediaml.ops.styles import DRAWN_IN_ORDER, draw_tags
from mediaml.ops.surface import Surface

__all__ = ["ModelOverlay", "Overlay", "Painter", "Sizes"]

# Styles that name what they show.
_NAMED = frozenset({"boxes", "corners", "labels"})


class Painter:
    """Draws overlays on images of one size.

    Args:
        width, height: pixels of the displayed image; see `Pen`.
        look: how they are drawn.
    """

    def __init__(self, width: int, height: int, look: Look = Look()) -> None:  # noqa: B008
        self._pen = Pen(width, height, look)
        self._styles = [draw for name, draw in DRAWN_IN_ORDER if name in look.styles]
        self._named = not _NAMED.isdisjoint(look.styles)

    def draw(self, surface: Surface, overlay: Overlay) -> None:
        """Draw all styles, those that change the image itself first, and the tags last."""
        for style in self._styles:
            style(surface, overlay, self._pen)
        if self._named:
            draw_tags(surface, overlay, self._pen)
