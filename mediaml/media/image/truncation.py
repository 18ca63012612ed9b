"""Whether the file of a picture is whole: decoders fill what is cut off with grey, or warn on stderr."""

from __future__ import annotations

import struct
import zlib

from mediaml.media.image.header import PNG_SIGNATURE, png_chunks

CUT_OFF = "it is cut off: its end is missing"
END_OF_JPEG = b"\xff\xd9"
START_OF_SCAN = b"\xff\xda"
PNG_CRITICAL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# Bit depths that go with a colour type (PNG specification, 11.2.1).
PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
TIFF_WHERE = ((273, 279), (324, 325))  # StripOffsets and StripByteCounts, TileOffsets and TileByteCounts


def whole_image(data: bytes, kind: str) -> bytes:
    """The file, checked as far as its format allows; of a PNG only the chunks that make its pixels.

    Raises:
        ValueError: it is cut off or damaged, and how.
    """
    if kind == "png":
        return _png(data)
    if kind == "jpeg" and data.rfind(END_OF_JPEG) < data.rfind(START_OF_SCAN):
        raise ValueError(CUT_OFF)
    if kind == "bmp" and len(data) < _bmp_end(data):
        raise ValueError(CUT_OFF)
    if kind == "gif":
        _check_gif(data)
    if kind == "tiff":
        _check_tiff(data)
    return data


def _bmp_end(data: bytes) -> int:
    """The size that the file header names; 0 where an encoder left it out."""
    return int.from_bytes(data[2:6], "little")


def _png(data: bytes) -> bytes:
    """The critical chunks with their CRCs checked; libpng prints warnings about the others."""
    view, parts, names = memoryview(data), [memoryview(PNG_SIGNATURE)], []
    for name, offset, size in _png_chunks(data):
        names.append(name)
        if name not in PNG_CRITICAL:
            if not name[0] & 0x20:
                raise ValueError("it holds an unknown critical chunk")
            continue
        chunk = view[offset - 4 : offset + size + 4]
        if zlib.crc32(chunk[:-4]) != int.from_bytes(chunk[-4:], "big"):
            raise ValueError(f"its chunk {name.decode()} is damaged")
        parts.append(view[offset - 8 : offset + size + 4])
    depth, colour = data[24:26]
    if depth not in PNG_DEPTHS.get(colour, ()):
        raise ValueError(f"its header is damaged: no colour type {colour} of {depth} bits")
    pixels = [at for at, name in enumerate(names) if name == b"IDAT"]
    if not pixels:
        raise ValueError("it holds no pixels")
    if pixels[-1] - pixels[0] + 1 != len(pixels):
        raise ValueError("its pixels are interrupted by other chunks")
    return b"".join(parts)


def _png_chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    try:
        chunks = list(png_chunks(lambda start, count: data[start : start + count]))
    except struct.error as error:
        raise ValueError(CUT_OFF) from error
    _, offset, size = chunks[-1]
    if offset + size + 4 > len(data):
        raise ValueError(CUT_OFF)
    return chunks


def _check_gif(data: bytes) -> None:
    """Walk the blocks up to the end of the first picture (GIF89a specification)."""
    try:
        offset = 13 + _gif_table(data[10])
        while data[offset] == 0x21:
            offset = _gif_blocks(data, offset + 2)
        if data[offset] != 0x2C:
            raise ValueError("it holds no picture")
        end = _gif_blocks(data, offset + 10 + _gif_table(data[offset + 9]) + 1)
    except IndexError as error:
        raise ValueError(CUT_OFF) from error
    if end > len(data):
        raise ValueError(CUT_OFF)


def _gif_table(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(data: bytes, offset: int) -> int:
    """The offset behind a chain of sub-blocks."""
    while data[offset]:
        offset += data[offset] + 1
    return offset + 1


def _check_tiff(data: bytes) -> None:
    """Look whether the values of the first directory and its pixels lie within the file (classic TIFF)."""
    order = "<" if data[:2] == b"II" else ">"
    if struct.unpack_from(order + "H", data, 2)[0] != 42:
        return  # BigTIFF.
    values: dict[int, list[int]] = {}
    try:
        first = struct.unpack_from(order + "I", data, 4)[0]
        for entry in range(struct.unpack_from(order + "H", data, first)[0]):
            tag, kind, count = struct.unpack_from(order + "HHI", data, first + 2 + 12 * entry)
            size = TIFF_SIZES.get(kind, 0) * count
            at = first + 10 + 12 * entry
            at = at if size <= 4 else struct.unpack_from(order + "I", data, at)[0]
            if at + size > len(data):
                raise ValueError(CUT_OFF)
            if kind in (3, 4) and any(tag in pair for pair in TIFF_WHERE):
                code = "H" if kind == 3 else "I"
                values[tag] = list(struct.unpack_from(f"{order}{count}{code}", data, at))
    except struct.error as error:
        raise ValueError(CUT_OFF) from error
    for offsets, sizes in TIFF_WHERE:
        parts = zip(values.get(offsets, []), values.get(sizes, []), strict=False)
        if any(start + size > len(data) for start, size in parts):
            raise ValueError(CUT_OFF)
