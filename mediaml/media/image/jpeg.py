"""The marker structure of JPEG files: where an image ends, and whether a file is a stream of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A marker: FF, fill bytes, and a code that is neither a stuffed zero nor RSTn (ITU-T T.81, B.1.1). The same
# search skips entropy-coded data, and junk between segments as libjpeg's `next_marker` does.
MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
TEM, SOI, EOI, APP2, SOF55 = 0x01, 0xD8, 0xD9, 0xE2, 0xF7
FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# A file may claim any number of segments; real ones hold a few thousand.
MOST_SEGMENTS = 100_000


def _segments(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Marker code and offset of the content of each segment of the image at `start`, up to EOI."""
    offset = start + 2
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(data, offset)
        if found is None:
            return
        code, offset = data[found.end() - 1], found.end()
        yield code, offset
        if code == EOI:
            return
        if code not in (TEM, SOI):
            offset += int.from_bytes(data[offset : offset + 2], "big")


def image_end(data: bytes, start: int = 0) -> int | None:
    """The offset behind the end marker of the image that begins at `start`; `None` where there is none.

    What follows it does not matter: cameras and phones append previews, maker notes and whole videos.
    """
    return next((offset for code, offset in _segments(data, start) if code == EOI), None)


def is_jpeg_ls(data: bytes) -> bool:
    """Whether an image is JPEG-LS: its frame header is SOF55 (ITU-T T.87, C.1.1)."""
    frames = (code for code, _ in _segments(data, 0) if code == SOF55 or code in FRAME_MARKERS)
    return next(frames, None) == SOF55


def is_motion_jpeg(data: bytes) -> bool:
    """Whether JPEG images of one size follow one another directly, without an index of them.

    A photo with previews behind it has the index of CIPA DC-007 (Multi-Picture Format), or other sizes.
    """
    end = image_end(data)
    if end is None:
        return False
    follower = end + len(data[end : end + 4096]) - len(data[end : end + 4096].lstrip(b"\0"))
    if data[follower : follower + 3] != b"\xff\xd8\xff":
        return False
    if any(code == APP2 and data[at + 2 : at + 6] == b"MPF\0" for code, at in _segments(data, 0)):
        return False
    size = _size(data, 0)
    return size is not None and size == _size(data, follower)


def _size(data: bytes, start: int) -> bytes | None:
    """Height and width as they stand in the frame header (ITU-T T.81, B.2.2)."""
    for code, offset in _segments(data, start):
        if code in FRAME_MARKERS:
            return data[offset + 3 : offset + 7]
    return None
