"""PNG chunks, checked before a decoder sees them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from mediaml.media.image.formats import PNG_SIGNATURE

CUT_OFF = "it is cut off: its end is missing"
PIXELS_AT = slice(37, 41)
"""The name of the chunk behind the header."""
CRITICAL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
ANIMATION = (b"acTL", b"fcTL", b"fdAT")
# A file may claim any number of chunks; real ones hold a few thousand.
MOST_CHUNKS = 1_000_000
# Bit depths that go with a colour type (PNG specification, 11.2.1).
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def sound_png(data: bytes) -> bytes:
    """The chunks that make pixels, frames and orientation, with their CRCs checked.

    Damage in other chunks does not matter. EXIF is moved ahead of the pixels, so that a
    decoder knows of it before it decodes.

    Raises:
        ValueError: it is cut off or damaged, and how.
    """
    view, parts, exif = memoryview(data), [], memoryview(b"")
    names: list[bytes] = []
    for name, offset, size in _chunks(data):
        whole = view[offset - 8 : offset + size + 4]
        intact = zlib.crc32(whole[4:-4]) == int.from_bytes(whole[-4:], "big")
        names.append(name)
        if name == b"eXIf" and intact:
            exif = whole
        if name in CRITICAL or name in ANIMATION:
            if not intact:
                raise ValueError(f"its chunk {name.decode()} is damaged")
            parts.append(whole)
        elif not name[0] & 0x20:
            raise ValueError("it holds an unknown critical chunk")
    _check(data, names)
    return b"".join((PNG_SIGNATURE, parts[0], exif, *parts[1:]))


def sound_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Name and content of each chunk of what `sound_png` returned."""
    view = memoryview(data)
    return ((name, view[offset : offset + size]) for name, offset, size in _chunks(data))


def _check(data: bytes, names: list[bytes]) -> None:
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    if not width or not height:
        raise ValueError(f"it has no pixels: its size is {width}x{height}")
    if depth not in DEPTHS.get(colour, ()):
        raise ValueError(f"its header is damaged: no colour type {colour} of {depth} bits")
    pixels = [at for at, name in enumerate(names) if name == b"IDAT"]
    if not pixels:
        raise ValueError("it holds no pixels")
    if pixels[-1] - pixels[0] + 1 != len(pixels):
        raise ValueError("its pixels are interrupted by other chunks")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the data, and size of each chunk up to IEND (PNG specification, 5.3)."""
    offset = len(PNG_SIGNATURE)
    for position in range(MOST_CHUNKS):
        try:
            size, name = struct.unpack_from(">I4s", data, offset)
        except struct.error as error:
            raise ValueError(CUT_OFF) from error
        if position == 0 and (name != b"IHDR" or size != 13):
            raise ValueError("its first chunk is not IHDR")
        if offset + 12 + size > len(data):
            raise ValueError(CUT_OFF)
        yield name, offset + 8, size
        offset += 12 + size
        if name == b"IEND":
            return
    raise ValueError("it has too many chunks")
