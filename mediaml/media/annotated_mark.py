"""The mark that annotated copies carry inside, so that a later run does not annotate them again.

A copy that was moved or renamed keeps it; a file that only has a copy's name has none. Programs that write
the file again (an editor, an encoder) leave it out: what they make is no longer the copy.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from mediaml import __version__

_PREFIX = b"mediaml "
MARK = _PREFIX + __version__.encode() + b" annotated copy"
"""The mark, ASCII of at most 255 bytes."""
_CREATOR = b'xmp:CreatorTool="'
XMP_MARK = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    + _CREATOR
    + MARK
    + b'"/></rdf:RDF></x:xmpmeta>'
)
"""The mark as XMP, which stands at the end of an animated WebP."""
# FFmpeg's MP4 writer puts this key into the box `©too` (encoding tool), and its own name where it is absent.
VIDEO_TAGS = {"encoding_tool": MARK.decode()}
"""Metadata of the container of an annotated video."""

# The mark of an image stands before its pixels, of a video in the index (moov), which the copies begin with.
_HEAD = 4096
_MOST_UDTA = 1 << 20
_MOST_BOXES = 200
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_IHDR_END = 33  # signature, then length, type, 13 bytes and checksum of the first chunk
_PNG_KEY = b"Software\0"  # PNG specification, 11.3.3.2: the program that made the image
_JPEG = b"\xff\xd8"
_JPEG_APP0, _JPEG_COMMENT, _JPEG_SCAN = 0xE0, 0xFE, 0xDA
_GIF = b"GIF89a"
_GIF_HEADER, _GIF_COMMENT = 13, b"!\xfe"  # the header without a global colour table, as copies have it
_TIFF = b"II*\0"
_TIFF_SOFTWARE = 305
_TOOL = b"\xa9too"
_TOOL_TEXT = 20  # from the name of the box: its name, then size, name, type and locale of the box `data`


def mark_image(data: bytes) -> bytes:
    """An encoded image with the mark: a tEXt chunk of PNG, a comment of JPEG; the others as they are."""
    if data.startswith(_PNG):
        body = b"tEXt" + _PNG_KEY + MARK
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return data[:_PNG_IHDR_END] + chunk + data[_PNG_IHDR_END:]
    if data.startswith(_JPEG):
        # JFIF wants its own segment to be the first.
        jfif = data[3] == _JPEG_APP0
        place = 4 + int.from_bytes(data[4:6], "big") if jfif else 2
        comment = struct.pack(">BBH", 0xFF, _JPEG_COMMENT, len(MARK) + 2) + MARK
        return data[:place] + comment + data[place:]
    return data


def is_annotated_copy(path: Path) -> bool:
    """Whether a file is an annotated copy that mediaml wrote; false for a file that cannot be read.

    Reads at most the first and last 4 kB of an image, and the headers of an MP4 file's boxes.
    """
    try:
        if not path.is_file():  # a pipe must not be opened
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD)
            return any(head.startswith(first, at) and test(head, file) for at, first, test in _TESTS)
    except (OSError, ValueError):
        return False


def _is_marked_png(head: bytes, _: IO[bytes]) -> bool:
    place = len(_PNG)
    while place + 8 <= len(head):
        size, kind = struct.unpack_from(">I4s", head, place)
        if kind == b"tEXt" and head.startswith(_PNG_KEY + _PREFIX, place + 8):
            return True
        place += 12 + size
    return False


def _is_marked_jpeg(head: bytes, _: IO[bytes]) -> bool:
    place = len(_JPEG)
    while place + 4 <= len(head):
        mark, kind, size = struct.unpack_from(">BBH", head, place)
        if mark != 0xFF or kind == _JPEG_SCAN:
            return False
        if kind == _JPEG_COMMENT and head.startswith(_PREFIX, place + 4):
            return True
        place += 2 + size
    return False


def _is_marked_gif(head: bytes, _: IO[bytes]) -> bool:
    return head.startswith(_GIF_COMMENT, _GIF_HEADER) and head.startswith(_PREFIX, _GIF_HEADER + 3)


def _is_marked_webp(_: bytes, file: IO[bytes]) -> bool:
    file.seek(max(0, file.seek(0, 2) - _HEAD))
    return _CREATOR + _PREFIX in file.read()


def _is_marked_tiff(_: bytes, file: IO[bytes]) -> bool:
    """Whether the first page's tag Software (TIFF 6.0, section 8) holds the mark."""
    file.seek(4)
    file.seek(int.from_bytes(file.read(4), "little"))
    for _entry in range(int.from_bytes(file.read(2), "little")):
        entry = file.read(12)
        if len(entry) == 12 and int.from_bytes(entry[:2], "little") == _TIFF_SOFTWARE:
            file.seek(int.from_bytes(entry[8:], "little"))
            return file.read(len(_PREFIX)) == _PREFIX
    return False


def _is_marked_mp4(_: bytes, file: IO[bytes]) -> bool:
    """Whether the box moov / udta / meta / ilst / ©too (ISO/IEC 14496-12) holds the mark."""
    begin, end = 0, file.seek(0, 2)
    for wanted in (b"moov", b"udta"):
        found = _find_box(file, wanted, begin, end)
        if found is None:
            return False
        begin, end = found
    file.seek(begin)
    data = file.read(min(end - begin, _MOST_UDTA))
    tool = data.find(_TOOL)
    return tool >= 0 and data.startswith(_PREFIX, tool + _TOOL_TEXT)


def _find_box(file: IO[bytes], wanted: bytes, place: int, end: int) -> tuple[int, int] | None:
    """Where the content of a box begins and ends, among those from `place` to `end`."""
    for _ in range(_MOST_BOXES):
        if place + 8 > end:
            return None
        file.seek(place)
        header = file.read(16)
        if len(header) < 8:
            return None
        size, kind = struct.unpack_from(">I4s", header)
        begin = place + 8
        if size == 1 and len(header) == 16:
            size, begin = int.from_bytes(header[8:], "big"), place + 16
        after = end if size == 0 else place + size
        if kind == wanted:
            return begin, min(after, end)
        if after <= place:
            return None
        place = after
    return None


_TESTS: tuple[tuple[int, bytes, Callable[[bytes, IO[bytes]], bool]], ...] = (
    (0, _PNG, _is_marked_png),
    (0, _JPEG, _is_marked_jpeg),
    (0, _GIF, _is_marked_gif),
    (0, _TIFF, _is_marked_tiff),
    (8, b"WEBP", _is_marked_webp),
    (4, b"ftyp", _is_marked_mp4),
)
"""Of each format: where its signature is, and the test, given the first bytes and the file."""
