"""The commonest PNG files, still and of 8 bits: their header says all, so that Pillow is not needed.

To open a small file with Pillow takes ten times as long as to decode it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Self

from mediaml.core.arrays import UInt8Array
from mediaml.media.image.fast import damage_reason, decode_fast
from mediaml.media.image.png import PIXELS_AT
from mediaml.media.image.png_strips import PngHeader
from mediaml.media.image.reduced import Reduction, png_reduction
from mediaml.media.orientation import UPRIGHT

# Pillow's modes of the colour types without a palette.
MODES = {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}
METHODS = slice(26, 28)


class PlainPng:
    """A PNG in memory; see `mediaml.media.image.by_pillow.PillowImage`.

    Args:
        data: as `mediaml.media.image.png.sound_png` returns it.
    """

    orientation = UPRIGHT
    corrupt = 0
    count = 1

    def __init__(self, data: bytes, width: int, height: int, mode: str) -> None:
        self.width, self.height = width, height
        self.notes: list[str] = []
        self._data = data
        self._mode = mode

    @classmethod
    def of(cls, data: bytes) -> Self | None:
        """The image of a file's sound chunks; `None` where other chunks or its header ask for more."""
        header = PngHeader.of(data)
        mode = MODES.get(header.colour) if header.depth == 8 else None
        is_plain = data[PIXELS_AT] == b"IDAT" and data[METHODS] == b"\0\0"
        return cls(data, header.width, header.height, mode) if mode and is_plain else None

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """See `PillowImage.sizes`."""
        return [(self.width, self.height)]

    @property
    def decoded_bytes(self) -> int:
        """Memory that decoding takes: the result alone."""
        return self.width * self.height * 3

    def reduction(self, most: int) -> Reduction | None:
        """See `PillowImage.reduction`."""
        return png_reduction(self._data, most, partial(_pixels, mode=self._mode))

    def frames(self, start_s: float = 0.0) -> Iterator[tuple[int, float, float, UInt8Array]]:
        """The one frame; see `PillowImage.frames`.

        Raises:
            ValueError: it is damaged or cut off.
        """
        if start_s <= 0:
            yield 0, 0.0, 0.0, _pixels(self._data, self._mode)


def _pixels(data: bytes, mode: str) -> UInt8Array:
    try:
        return decode_fast(data, "png", mode, [])
    except ValueError as error:
        raise ValueError(damage_reason(error)) from error
