"""The pen that styles draw with: sizes, colours and tags for images of one size."""

from __future__ import annotations

from functools import lru_cache

from mediaml.ops.lettering import Tag, font_of, tag
from mediaml.ops.look import Look, Sizes
from mediaml.ops.palette import color_of
from mediaml.ops.yuv import Rgb

# Tags differ by name and by score: enough for a crowded scene, about 30 MB at 4K.
_TAGS_KEPT = 256


class Pen:
    """What styles draw with on images of one size; it caches rendered tags.

    Args:
        width, height: pixels of the displayed image. A surface may be a little larger (padded to even
            sizes); nothing is drawn beyond the image.

    Attributes:
        width, height: see above. look: what is drawn. sizes: of lines and letters.
    """

    def __init__(self, width: int, height: int, look: Look) -> None:
        self.width, self.height, self.look = width, height, look
        suited = Sizes.of(width, height)
        self.sizes = Sizes(look.font_size or suited.letters, look.thickness or suited.line)
        self._colors = {name.casefold(): color for name, color in look.colors}
        self._font = font_of(self.sizes.letters)
        self._tag = lru_cache(maxsize=_TAGS_KEPT)(self._letter)

    def color(self, name: str) -> Rgb:
        """The colour of a label."""
        return self._colors.get(name.casefold()) or color_of(name)

    def tag(self, name: str, tail: str, label: str) -> Tag:
        """A tag in the colour of a label; see `mediaml.ops.lettering.tag`."""
        return self._tag(name, tail, self.color(label))

    def _letter(self, name: str, tail: str, color: Rgb) -> Tag:
        return tag(name, tail, self._font, self.sizes.letters, color, self.width)
