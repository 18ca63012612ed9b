"""Frames to an animation or the pages of a TIFF, one at a time: the number of frames costs no memory.

Each frame is encoded as an image of its own, and what libraries made of it is put together here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO

import cv2
import tifffile
from PIL import GifImagePlugin, Image

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.media.annotated_mark import MARK, XMP_MARK, mark_image

Frames = Iterable[tuple[UInt8Array, float]]
"""Uint8 RGB [height, width, 3] and the seconds for which it is shown; of one size, but for a TIFF."""

WEBP_QUALITY = 92
# Of a WebP (RFC 9649, 2.7): the file has an animation and XMP; a frame replaces what is below it.
ANIMATED, HAS_XMP, NO_BLENDING = 0x02, 0x04, 0x02
# Of delays: the largest number of milliseconds in 16 and 24 bits.
MOST_16, MOST_24 = 0xFFFF, 0xFFFFFF
PNG_HEAD = 33  # signature and the chunk IHDR


def write_png(file: IO[bytes], frames: Frames) -> None:
    """An animated PNG (PNG specification, third edition, 11.3.6) that repeats for ever."""
    sequence = count = counted_at = 0
    for image, delay_s in frames:
        data = _encoded(image, ".png", ())
        if not count:
            file.write(mark_image(data[:PNG_HEAD]))
            counted_at = file.tell()
            file.write(_png_chunk(b"acTL", bytes(8)))
        height, width = image.shape[:2]
        ticks, rate = round(delay_s * 1000), 1000
        if ticks > MOST_16:
            ticks, rate = min(MOST_16, round(delay_s)), 1
        control = struct.pack(">5I2H2B", sequence, width, height, 0, 0, ticks, rate, 0, 0)
        file.write(_png_chunk(b"fcTL", control))
        sequence += 1
        for body in _png_data(data):
            if count:
                file.write(_png_chunk(b"fdAT", struct.pack(">I", sequence) + body))
                sequence += 1
            else:
                file.write(_png_chunk(b"IDAT", body))
        count += 1
    file.write(_png_chunk(b"IEND", b""))
    file.seek(counted_at)
    file.write(_png_chunk(b"acTL", struct.pack(">2I", count, 0)))


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png_data(data: bytes) -> Iterator[bytes]:
    place = PNG_HEAD
    while place < len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        if name == b"IDAT":
            yield data[place + 8 : place + 8 + size]
        place += 12 + size


def write_gif(file: IO[bytes], frames: Frames) -> None:
    """An animated GIF (GIF89a) that repeats for ever; each frame has 256 colours of its own."""
    begun = False
    for image, delay_s in frames:
        height, width = image.shape[:2]
        if not begun:
            begun = True
            file.write(b"GIF89a" + struct.pack("<2H3B", width, height, 0, 0, 0))
            file.write(b"!\xfe" + bytes([len(MARK)]) + MARK + b"\0")
            file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")
        reduced = Image.fromarray(image).quantize(256, dither=Image.Dither.NONE)
        delay_ms = 10 * min(MOST_16, round(delay_s * 100))
        file.writelines(GifImagePlugin.getdata(reduced, duration=delay_ms, include_color_table=True))
    file.write(b";")


def write_webp(file: IO[bytes], frames: Frames) -> None:
    """An animated WebP (RFC 9649) that repeats for ever."""
    file.write(b"RIFF" + bytes(4) + b"WEBP")
    begun = False
    for image, delay_s in frames:
        height, width = image.shape[:2]
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        if not begun:
            begun = True
            file.write(_riff_chunk(b"VP8X", bytes([ANIMATED | HAS_XMP, 0, 0, 0]) + size))
            file.write(_riff_chunk(b"ANIM", bytes(6)))
        delay = min(MOST_24, round(delay_s * 1000)).to_bytes(3, "little")
        coded = _encoded(image, ".webp", (cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY))[12:]
        file.write(_riff_chunk(b"ANMF", bytes(6) + size + delay + bytes([NO_BLENDING]) + coded))
    file.write(_riff_chunk(b"XMP ", XMP_MARK))
    end = file.tell()
    file.seek(4)
    file.write(struct.pack("<I", end - 8))


def _riff_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def write_tiff(file: IO[bytes], frames: Frames) -> None:
    """A TIFF of one page per frame, without its time; pages may have different sizes."""
    with tifffile.TiffWriter(file) as writer:
        for image, _ in frames:
            writer.write(
                image,
                photometric="rgb",
                compression="zlib",
                predictor=True,
                software=MARK.decode(),
                metadata=None,
                contiguous=False,
            )


WRITERS: dict[str, Callable[[IO[bytes], Frames], None]] = {
    ".gif": write_gif,
    ".png": write_png,
    ".tif": write_tiff,
    ".tiff": write_tiff,
    ".webp": write_webp,
}
"""By the ending of a name."""
PAGED = frozenset({".tif", ".tiff"})
"""Those whose frames are pages, which may have different sizes."""


def _encoded(image: UInt8Array, suffix: str, parameters: tuple[int, ...]) -> bytes:
    height, width = image.shape[:2]
    try:
        done, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), parameters)
    except cv2.error:
        done = False
    if not done:
        raise MediaError(f"a frame of {width}x{height} pixels cannot be written as {suffix}.")
    return data.tobytes()
