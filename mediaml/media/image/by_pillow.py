"""Images through Pillow: every format but TIFF and HEIC, with the frames of animations and their delays.

Pillow says what a file is; where `fast` gives the same pixels, it decodes them.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from mediaml.core.arrays import UInt8Array
from mediaml.media.image.fast import MODES, damage_reason, decode_fast
from mediaml.media.image.gif import check_gif
from mediaml.media.image.jpeg import image_end, is_jpeg_ls
from mediaml.media.image.levels import Levels, over_white, strips, to_8bit, to_rgb
from mediaml.media.image.library_log import pillow_warnings
from mediaml.media.image.reduced import Reduction, jpeg_reduction, png_reduction
from mediaml.media.orientation import ROTATION, UPRIGHT, oriented

ORIENTATION_TAG = 0x0112
# Browsers show a frame that states no delay, or up to 10 ms, for 100 ms (HTML leaves it to them).
LEAST_DELAY_MS, DEFAULT_DELAY_MS = 10, 100
# Bytes of a BMP's information header.
OS2_SHORT, LONG_HEADER = 16, 40
# The class of a format is called directly: `Image.open` has limits of its own, for the whole process.
CLASSES: dict[str, Callable[[Any], Image.Image]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "ico": IcoImagePlugin.IcoImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
}
END_OF_JPEG = b"\xff\xd9"
# The warnings of libjpeg that change no pixel: bytes before any marker but RSTn.
HARMLESS = re.compile(r"extraneous bytes before marker 0x(?!d[0-7])")
# What Pillow raises for damage, whatever the format.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RuntimeError,
    struct.error,
    Image.DecompressionBombError,  # Of an icon, whose images Pillow opens by itself.
)


class PillowImage:
    """An image or animation in memory.

    Args:
        data: the bytes of a file; a PNG's as `mediaml.media.image.png.sound_png` returns them.
        kind: its format, one of `CLASSES`.

    Attributes:
        width, height: pixels as stored.
        orientation: from stored to displayed, see `mediaml.media.orientation`.
        count: number of frames.
        notes: what a user should know of how it was read.
        corrupt: damage that was decoded over.

    Raises:
        ValueError: it is damaged, cut off or of a kind that is not read here, and how.
    """

    def __init__(self, data: bytes, kind: str) -> None:
        self._kind = kind
        self._data = _with_long_header(data) if kind == "bmp" else data
        if kind == "gif":
            check_gif(data)
        self.notes: list[str] = []
        self.corrupt = 0
        try:
            with pillow_warnings(self.notes):
                image = _opened(self._data, kind)
                # Not the method of the PNG class, which decodes the pixels to look for EXIF behind them.
                found = Image.Image.getexif(image).get(ORIENTATION_TAG, UPRIGHT)
            self.width, self.height = image.size
            self._frames = range(_frame_count(image, kind))
        except DAMAGE as error:
            if kind == "jpeg" and is_jpeg_ls(data):
                raise ValueError("it is JPEG-LS, which is not read here") from error
            raise ValueError(damage_reason(error)) from error
        self.orientation = found if found in ROTATION else UPRIGHT
        if image.info.get("default_image") and len(self._frames) > 1:
            self._frames = self._frames[1:]  # APNG: shown only where animations are not.
        self._image = image

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self._frames)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Width and height of every frame, as stored; once where they are alike."""
        return [(self.width, self.height)]

    @property
    def decoded_bytes(self) -> int:
        """Memory that decoding a frame takes: Pillow's 4 bytes per pixel and the 3 of the result."""
        return self.width * self.height * (3 if self._is_fast() else 7) + self._coefficient_bytes()

    def reduction(self, most: int) -> Reduction | None:
        """The least reduction that takes at most so many bytes; `None` where there is none."""
        if self.count > 1:
            return None
        if self._kind == "png":
            return png_reduction(self._data, most, lambda small: PillowImage(small, "png")._still())
        if self._kind == "jpeg" and self._is_fast() and image_end(self._data) is not None:
            return jpeg_reduction(self.width, self.height, self._coefficient_bytes(), most, self._still)
        return None

    def _coefficient_bytes(self) -> int:
        """What libjpeg keeps of a JPEG in several scans: 2 bytes for each coefficient of the whole image."""
        if self._kind != "jpeg" or self._is_baseline():
            return 0
        factors = [(across, down) for _, across, down, _ in getattr(self._image, "layer", ())]
        largest = max((across for across, _ in factors), default=1) * max((d for _, d in factors), default=1)
        return int(2 * self.width * self.height * sum(across * down for across, down in factors) // largest)

    def frames(self, start_s: float = 0.0) -> Iterator[tuple[int, float, float, UInt8Array]]:
        """Index, time and duration in seconds, and RGB as displayed, of each frame from a time on.

        Raises:
            ValueError: it is damaged or cut off.
        """
        if self.count == 1:
            if start_s <= 0:
                yield 0, 0.0, 0.0, oriented(self._still(), self.orientation)
            return
        time_s, image = 0.0, self._reopened()
        for index, position in enumerate(self._frames):
            try:
                image.seek(position)
                image.load()
            except DAMAGE as error:
                raise ValueError(damage_reason(error)) from error
            delay_s = _delay_ms(image) / 1000
            if time_s >= start_s:
                yield index, time_s, delay_s, oriented(_flat(image), self.orientation)
            time_s += delay_s

    def _is_fast(self) -> bool:
        image = self._image
        is_of_it = image.mode in MODES.get(self._kind, ()) and _is_8bit(image)
        return is_of_it and self.count == 1 and "transparency" not in image.info

    def _still(self, factor: int = 1) -> UInt8Array:
        data, ends = self._data, self._kind != "jpeg" or image_end(self._data) is not None
        if not self._is_fast() or not (ends or self._is_baseline()):
            return self._by_pillow()
        warned: list[str] = []
        size = (-(-self.height // factor), -(-self.width // factor))
        try:
            # libjpeg takes a missing end mark for damage; with one, it tells whether pixels are missing.
            whole = data if ends else data + END_OF_JPEG
            pixels = decode_fast(whole, self._kind, self._image.mode, warned, size if factor > 1 else (0, 0))
        except ValueError as error:
            raise ValueError(damage_reason(error) if ends else f"it is cut off ({error})") from error
        if warned and not ends:
            return self._by_pillow()  # The warning is of something else: it stops where pixels are missing.
        self.notes += [f"libjpeg: {line}" for line in warned]
        self.corrupt = sum(HARMLESS.search(line) is None for line in warned)
        if factor > 1 and pixels.shape[:2] != size:
            raise ValueError("its pixels are not of the size that its header states")
        return pixels if pixels.shape[:2] == size else self._by_pillow()

    def _is_baseline(self) -> bool:
        """Whether a JPEG has all of its pixels in one scan: of several, nothing tells how many there are."""
        return "progressive" not in self._image.info

    def _by_pillow(self) -> UInt8Array:
        image = self._reopened()
        try:
            image.seek(self._frames[0])
            image.load()
        except DAMAGE as error:
            raise ValueError(damage_reason(error)) from error
        return _flat(image)

    def _reopened(self) -> Image.Image:
        """A fresh reading of the file: frames are composed one on the other, from the first on."""
        return _opened(self._data, self._kind)


def _with_long_header(data: bytes) -> bytes:
    """A BMP whose short header of OS/2 2.x, which Pillow does not know, has the zeros that it leaves out."""
    if struct.unpack_from("<I", data, 14)[0] != OS2_SHORT:
        return data
    offset = (struct.unpack_from("<I", data, 10)[0] + LONG_HEADER - OS2_SHORT) & 0xFFFFFFFF
    filled = data[18 : 14 + OS2_SHORT] + bytes(LONG_HEADER - OS2_SHORT)
    return data[:10] + struct.pack("<II", offset, LONG_HEADER) + filled + data[14 + OS2_SHORT :]


def _opened(data: bytes, kind: str) -> Image.Image:
    return CLASSES[kind](io.BytesIO(data))


def _frame_count(image: Image.Image, kind: str) -> int:
    # The images of an icon are sizes of one, and those behind a JPEG are previews.
    return getattr(image, "n_frames", 1) if kind in ("gif", "png", "webp", "avif") else 1


def _is_8bit(image: Image.Image) -> bool:
    """Whether the file stores 8 bits: Pillow's mode does not tell for PNG."""
    tile = getattr(image, "tile", None)
    raw = tile[0][3] if tile else image.mode
    raw = raw[0] if isinstance(raw, tuple) else raw
    return not isinstance(raw, str) or ";" not in raw


def _delay_ms(image: Image.Image) -> float:
    stated = float(image.info.get("duration") or 0)
    return stated if stated > LEAST_DELAY_MS else DEFAULT_DELAY_MS


def _flat(image: Image.Image) -> UInt8Array:
    """A loaded image to RGB over white, in strips."""
    width, height = image.size
    result = np.empty((height, width, 3), np.uint8)
    for rows in strips(width, height):
        whole = rows == slice(0, height)
        result[rows] = _strip(image if whole else image.crop((0, rows.start, width, rows.stop)))
    return result


def _strip(image: Image.Image) -> UInt8Array:
    if image.mode.startswith("I;16"):
        return to_rgb(to_8bit(np.asarray(image), Levels(0, 65535)))
    if image.mode in ("I", "F"):
        raise ValueError(f"its levels are of Pillow's mode {image.mode}, which is not supported")
    if image.has_transparency_data:
        rgba = cast(UInt8Array, np.asarray(image.convert("RGBA")))
        return over_white(rgba[..., :3], rgba[..., 3:])
    return cast(UInt8Array, np.asarray(image.convert("RGB")))
