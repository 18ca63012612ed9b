"""What the header of a picture says, read before anything is decoded: format, size and orientation."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mediaml.media.orientation import ROTATION, UPRIGHT

# Reads `size` bytes at an offset; fewer where the file ends.
ReadAt = Callable[[int, int], bytes]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
# A file may claim any number of segments; real ones hold a few thousand.
MOST_SEGMENTS = 100_000
ORIENTATION_TAG = 0x0112
# Fill bytes, TEM, RSTn and SOI (ITU-T T.81, table B.1) carry no length.
STANDALONE_MARKERS = {0xFF, 0x01, *range(0xD0, 0xD9)}
FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# irot quarter turns anticlockwise, then imir axis (ISO/IEC 23008-12, 6.5.10 and 6.5.12), to orientation.
AVIF_ORIENTATION = {
    (0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
    (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7,
    (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """The facts of a picture's header.

    Attributes:
        format: `jpeg`, `png`, `webp`, `bmp`, `tiff`, `gif`, `avif` or `heic`.
        width, height: pixels as stored.
        orientation: from stored to displayed, see `mediaml.media.orientation`.
    """

    format: str
    width: int
    height: int
    orientation: int = UPRIGHT


def sniff_image(head: bytes) -> str | None:
    """The format of a picture by its first 64 bytes; `None` for anything else."""
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, len(head) - 3, 4))}
    found = {
        "jpeg": head.startswith(b"\xff\xd8\xff"),
        "png": head.startswith(PNG_SIGNATURE),
        "gif": head[:6] in (b"GIF87a", b"GIF89a"),
        "webp": head[:4] == b"RIFF" and head[8:12] == b"WEBP",
        "tiff": head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        "bmp": head[:2] == b"BM"
        and head[14:18] in {struct.pack("<I", n) for n in (12, 40, 52, 56, 64, 108, 124)},
        "avif": head[4:8] == b"ftyp" and bool(brands & AVIF_BRANDS),
        "heic": head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS,
    }
    return next((name for name, is_it in found.items() if is_it), None)


def read_image_header(read: ReadAt) -> ImageHeader | None:
    """The header of a picture; `None` where it is no picture known here.

    Raises:
        ValueError: the header is damaged or cut off, and how.
    """
    kind = sniff_image(read(0, 64))
    if kind is None:
        return None
    parsers: dict[str, Callable[[ReadAt], tuple[int, int, int]]] = {
        "jpeg": _jpeg, "png": _png, "gif": _gif, "webp": _webp, "tiff": _tiff, "bmp": _bmp, "avif": _avif,
        "heic": _avif,
    }  # fmt: skip
    try:
        width, height, orientation = parsers[kind](read)
    except (struct.error, IndexError) as error:
        raise ValueError("its header is cut off") from error
    return ImageHeader(kind, width, height, orientation if orientation in ROTATION else UPRIGHT)


def _gif(read: ReadAt) -> tuple[int, int, int]:
    width, height = struct.unpack("<HH", read(6, 4))
    return width, height, UPRIGHT


def _bmp(read: ReadAt) -> tuple[int, int, int]:
    if struct.unpack("<I", read(14, 4))[0] == 12:
        width, height = struct.unpack("<HH", read(18, 4))
    else:
        width, height = struct.unpack("<ii", read(18, 8))
    return width, abs(height), UPRIGHT


def png_chunks(read: ReadAt) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the data, and size of each chunk up to IEND (PNG specification, 5.3)."""
    offset = len(PNG_SIGNATURE)
    for _ in range(MOST_SEGMENTS):
        size, name = struct.unpack(">I4s", read(offset, 8))
        yield name, offset + 8, size
        offset += 12 + size
        if name == b"IEND":
            return
    raise ValueError("it has too many chunks")


def _png(read: ReadAt) -> tuple[int, int, int]:
    width = height = 0
    orientation = UPRIGHT
    try:
        for position, (name, offset, size) in enumerate(png_chunks(read)):
            if position == 0:
                if name != b"IHDR" or size != 13:
                    raise ValueError("its first chunk is not IHDR")
                width, height = struct.unpack(">II", read(offset, 8))
            if name == b"eXIf":
                orientation = _exif_orientation(read, offset)
    except struct.error:
        if not width:
            raise
    return width, height, orientation


def _jpeg(read: ReadAt) -> tuple[int, int, int]:
    orientation, offset = UPRIGHT, 2
    for _ in range(MOST_SEGMENTS):
        prefix, marker = struct.unpack("BB", read(offset, 2))
        if prefix != 0xFF:
            raise ValueError("its header is damaged")
        if marker in STANDALONE_MARKERS:
            offset += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):
            raise ValueError("its header names no size")
        size = struct.unpack(">H", read(offset + 2, 2))[0]
        if marker in FRAME_MARKERS:
            height, width = struct.unpack(">HH", read(offset + 5, 4))
            return width, height, orientation
        if marker == 0xE1 and read(offset + 4, 6) == b"Exif\0\0":
            orientation = _exif_orientation(read, offset + 10)
        offset += 2 + size
    raise ValueError("its header has too many segments")


def _webp(read: ReadAt) -> tuple[int, int, int]:
    end = 8 + struct.unpack("<I", read(4, 4))[0]
    offset, size_found, orientation = 12, None, UPRIGHT
    for _ in range(MOST_SEGMENTS):
        if offset + 8 > end or len(read(offset, 8)) < 8:
            break
        name, size = struct.unpack("<4sI", read(offset, 8))
        body = read(offset + 8, 10)
        if name == b"VP8X":
            size_found = 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        elif name == b"VP8L" and size_found is None:
            bits = struct.unpack("<I", body[1:5])[0]
            size_found = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif name == b"VP8 " and size_found is None:
            width, height = struct.unpack("<HH", body[6:10])
            size_found = width & 0x3FFF, height & 0x3FFF
        elif name == b"EXIF":
            skip = 6 if body[:6] == b"Exif\0\0" else 0
            orientation = _exif_orientation(read, offset + 8 + skip)
        offset += 8 + size + (size & 1)
    if size_found is None:
        raise ValueError("its header names no size")
    return *size_found, orientation


def tiff_tags(read: ReadAt, base: int = 0) -> dict[int, int]:
    """First value of each integer tag in the first directory (TIFF 6.0, section 2; BigTIFF as well)."""
    order = {b"II": "<", b"MM": ">"}.get(read(base, 2))
    if order is None:
        raise ValueError("its TIFF header is damaged")
    big = struct.unpack(order + "H", read(base + 2, 2))[0] == 43
    first = struct.unpack(order + ("Q" if big else "I"), read(base + (8 if big else 4), 8 if big else 4))[0]
    count_size, entry_size, value_at = (8, 20, 12) if big else (2, 12, 8)
    count = struct.unpack(order + ("Q" if big else "H"), read(base + first, count_size))[0]
    table = read(base + first + count_size, min(count, MOST_SEGMENTS) * entry_size)
    tags = {}
    for at in range(0, len(table) - entry_size + 1, entry_size):
        tag, kind = struct.unpack_from(order + "HH", table, at)
        code = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(kind)
        if code is not None:
            tags[tag] = struct.unpack_from(order + code, table, at + value_at)[0]
    return tags


def _exif_orientation(read: ReadAt, base: int) -> int:
    """Orientation of an EXIF block; damage in it is no reason to refuse the picture."""
    try:
        return tiff_tags(read, base).get(ORIENTATION_TAG, UPRIGHT)
    except (ValueError, struct.error):
        return UPRIGHT


def _tiff(read: ReadAt) -> tuple[int, int, int]:
    tags = tiff_tags(read)
    if 256 not in tags or 257 not in tags:
        raise ValueError("its header names no size")
    return tags[256], tags[257], tags.get(ORIENTATION_TAG, UPRIGHT)


def _boxes(read: ReadAt, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each box (ISO/IEC 14496-12, 4.2)."""
    for _ in range(MOST_SEGMENTS):
        header = read(start, 16)
        if start + 8 > end or len(header) < 8:
            return
        size, name = struct.unpack_from(">I4s", header)
        content = start + 8
        if size == 1:
            size, content = struct.unpack_from(">Q", header, 8)[0], start + 16
        stop = end if size == 0 else start + size
        if stop <= start or content > stop:
            return
        yield name, content, min(stop, end)
        start = stop


def _avif(read: ReadAt) -> tuple[int, int, int]:
    width = height = turns = 0
    axis: int | None = None
    for start, end in _properties(read):
        for name, content, _ in _boxes(read, start, end):
            if name == b"ispe":
                size = struct.unpack(">II", read(content + 4, 8))
                width, height = max((width, height), size, key=lambda pair: pair[0] * pair[1])
            elif name == b"irot":
                turns = read(content, 1)[0] & 3
            elif name == b"imir":
                axis = read(content, 1)[0] & 1
    if not width:
        raise ValueError("its header names no size")
    return width, height, AVIF_ORIENTATION[turns, axis]


def _properties(read: ReadAt) -> Iterator[tuple[int, int]]:
    """Start and end of the item properties (meta / iprp / ipco; ISO/IEC 14496-12, 8.11.14)."""
    for name, start, end in _boxes(read, 0, 1 << 62):
        if name == b"meta":
            for inner, inner_start, inner_end in _boxes(read, start + 4, end):
                if inner == b"iprp":
                    yield from (
                        (s, e) for box, s, e in _boxes(read, inner_start, inner_end) if box == b"ipco"
                    )
