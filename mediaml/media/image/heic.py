"""HEIC, through libheif: the primary image of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.media.image.levels import over_white, to_rgb
from mediaml.media.image.reduced import Reduction
from mediaml.media.orientation import UPRIGHT

DAMAGE = (SyntaxError, ValueError, RuntimeError, OSError, EOFError, IndexError, MemoryError)
# Of `load_file`: decoder threads (files are read side by side), levels as 8 bits, RGB, rows without padding,
# no use of 16 bits, any decoder, and libheif's own limits.
HOW = (1, True, False, True, False, "", False)
BYTES_PER_PIXEL = 7


class HeicImage:
    """An image in memory; see `mediaml.media.image.by_pillow.PillowImage`.

    libheif turns images by itself. The extension module is called directly: the class of pi-heif around it
    reads the metadata of every image as well, and that ends the process for many damaged files (1.4.0).
    """

    def __init__(self, data: bytes) -> None:
        import _pi_heif

        self.notes: list[str] = []
        self.corrupt = 0
        self.orientation = UPRIGHT
        self.count = 1
        try:
            images = [image for image in _pi_heif.load_file(data, *HOW) if image is not None]
            if not images:
                raise ValueError("it holds no image")
            self._image: Any = next((image for image in images if image.primary), images[0])
            (self.width, self.height), self._mode = self._image.size_mode
        except DAMAGE as error:
            raise ValueError(_reason(error)) from error
        if len(images) > 1:
            self.notes.append(f"it holds {len(images)} images; only the primary one is read")

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Width and height as displayed."""
        return [(self.width, self.height)]

    @property
    def decoded_bytes(self) -> int:
        """Memory that decoding takes: the result, libheif's planes, and its interleaved copy."""
        return int(self.width * self.height) * BYTES_PER_PIXEL

    def reduction(self, most: int) -> Reduction | None:
        """None: it is decoded as a whole."""
        return None

    def frames(self, start_s: float = 0.0) -> Iterator[tuple[int, float, float, UInt8Array]]:
        """The one frame; see `PillowImage.frames`."""
        if start_s > 0:
            return
        try:
            levels = np.frombuffer(self._image.data, np.uint8)
            (self.width, self.height), self._mode = self._image.size_mode
            pixels = levels.reshape(self.height, self.width, -1)
        except DAMAGE as error:
            raise ValueError(_reason(error)) from error
        if self._mode == "RGBa":
            yield 0, 0.0, 0.0, over_white(pixels[..., :3], pixels[..., 3:], premultiplied=True)
        else:
            yield 0, 0.0, 0.0, to_rgb(pixels)


def _reason(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"it is damaged or cut off ({text[0].rstrip('.') if text else type(error).__name__})"
