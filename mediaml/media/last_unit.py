"""Where the last page, packet or frame of a file ends by its own header; in a cut file, behind the end."""

from __future__ import annotations

import re

from mediaml.media.file_bytes import FileBytes

MOST_UNITS = 10_000_000
OGG_HEADER = 27
OGG_PAGE = OGG_HEADER + 255 + 255 * 255
OGG_LAST = 0x04
FLV_TAGS = frozenset({8, 9, 18})
PS_TAIL = 1 << 18
PS_PACK, PS_END = b"\0\0\x01\xba", 0xB9
TS_PACKET, TS_SYNC = 188, 0x47
# Packets at the end of a transport stream that must have their sync bytes in their places.
TS_SEEN = 5
IVF_HEADER, IVF_UNKNOWN = 12, 0xFFFFFFFF
DV_FRAME = {0: 120_000, 0x80: 144_000}
Y4M_FRAME = b"FRAME"
# By the first letters of the colour space: pixels that share a chroma sample, across and down, and how many
# planes there are beside luma (yuv4mpeg(5)).
Y4M_PLANES = (
    (b"444alpha", 1, 1, 3),
    (b"444", 1, 1, 2),
    (b"422", 2, 1, 2),
    (b"411", 4, 1, 2),
    (b"420", 2, 2, 2),
    (b"mono", 1, 1, 0),
)


def ogg(file: FileBytes) -> int | None:
    """The end of the last page (RFC 3533, 6)."""
    start, data = file.tail(2 * OGG_PAGE)
    at = len(data)
    while (at := data.rfind(b"OggS", 0, at)) >= 0:
        header = data[at : at + OGG_HEADER]
        if len(header) < OGG_HEADER:
            return start + at + OGG_PAGE
        if header[4] == 0 and header[5] < 8:
            lengths = data[at + OGG_HEADER : at + OGG_HEADER + header[26]]
            return start + at + OGG_HEADER + header[26] + sum(lengths)
    return None


def lacks_ogg_end(file: FileBytes) -> bool:
    """Whether the last page is not marked as the last of its stream (RFC 3533, 6, header type)."""
    _, data = file.tail(OGG_PAGE)
    at = data.rfind(b"OggS")
    return at >= 0 and len(data) > at + 5 and not data[at + 5] & OGG_LAST


def flv(file: FileBytes) -> int | None:
    """The end of the last tag (Adobe Flash Video, E.3)."""
    last = file.big(file.size - 4, 4)
    if last and file.big(file.size - 4 - last + 1, 3) == last - 11:
        return file.size
    offset = (file.big(5, 4) or 9) + 4
    for _ in range(MOST_UNITS):
        header = file.at(offset, 4)
        if len(header) < 4:
            return offset - 4  # the size behind the last tag may be left out
        if header[0] & 0x1F not in FLV_TAGS:
            return None
        offset += 11 + int.from_bytes(header[1:], "big") + 4
    return None


def mpeg_ps(file: FileBytes) -> int | None:
    """The end of the last packet of the last pack (ISO/IEC 13818-1, 2.5.3, and 11172-1)."""
    start, data = file.tail(PS_TAIL)
    at = data.rfind(PS_PACK)
    if at < 0:
        return None
    while at < len(data):
        code = data[at : at + 4]
        if not any(code) or code[:3] != b"\0\0\x01" or len(code) < 4 or code[3] == PS_END:
            break  # padding, or the end
        if code[3] == PS_PACK[3]:
            fixed = data[at + 4 : at + 14]
            if len(fixed) < 10:
                return start + at + 14
            at += 14 + (fixed[9] & 7) if fixed[0] & 0xC0 == 0x40 else 12
        elif code[3] < PS_END:
            return None  # not packets, but what is in them
        else:
            length = data[at + 4 : at + 6]
            at += 6 + int.from_bytes(length, "big") if len(length) == 2 else 7
    return start + at


def mpeg_ts(file: FileBytes) -> int | None:
    """The end of the last packet (ISO/IEC 13818-1, 2.4.3), of 188 bytes or with 4 of time code before it."""
    for step, lead in ((TS_PACKET, 0), (TS_PACKET + 4, 4)):
        start, data = file.tail((TS_SEEN + 1) * step)
        for phase in range(lead, step + lead):
            marks = data[phase::step]
            if len(marks) >= TS_SEEN and set(marks) == {TS_SYNC}:
                return start + phase + (len(marks) - 1) * step + TS_PACKET
    return None


def ivf(file: FileBytes) -> int | None:
    """The end of the last frame; behind it, where the header counts more of them.

    Some writers put the length in ticks where others count: fewer frames than stated must also end earlier.
    """
    offset, stated = file.little(6, 2) or 32, file.little(24, 4) or 0
    count = last = step = 0
    for _ in range(MOST_UNITS):
        if offset >= file.size:
            is_short = count < stated != IVF_UNKNOWN and last + step + 1 < stated
            return offset + IVF_HEADER if is_short else offset
        size, ticks = file.little(offset, 4), file.little(offset + 4, 8) or 0
        offset += IVF_HEADER + (size or 0)
        count, last, step = count + 1, max(last, ticks), max(step, ticks - last)
    return None


def y4m(file: FileBytes) -> int | None:
    """The end of the last frame (yuv4mpeg(5)), where all have plain headers."""
    header, newline, rest = file.at(0, 1 << 12).partition(b"\n")
    if not newline or not rest.startswith(Y4M_FRAME + b"\n"):
        return None
    fields = {part[:1]: part[1:] for part in header.split(b" ")[1:]}
    try:
        width, height = int(fields[b"W"]), int(fields[b"H"])
    except (KeyError, ValueError):
        return None
    frame = _y4m_frame(width, height, fields.get(b"C", b"420"))
    if frame is None:
        return None
    unit, start = len(Y4M_FRAME) + 1 + frame, len(header) + 1
    return start + -(-(file.size - start) // unit) * unit


def _y4m_frame(width: int, height: int, space: bytes) -> int | None:
    depth = re.search(rb"p(\d+)\Z|mono(\d+)\Z", space)
    wide = 2 if depth is not None and int(depth[1] or depth[2]) > 8 else 1
    for name, across, down, planes in Y4M_PLANES:
        if space.startswith(name):
            return wide * (width * height + planes * -(-width // across) * -(-height // down))
    return None


def dv(file: FileBytes) -> int | None:
    """The end of the last frame (SMPTE ST 314, IEC 61834-2): larger frames are multiples of the smallest."""
    head = file.at(0, 4)
    if len(head) < 4:
        return None
    frame = DV_FRAME[head[3] & 0x80]
    return -(-file.size // frame) * frame


def voc(file: FileBytes) -> int | None:
    """The end of the last block of a Creative Voice file."""
    offset = file.little(20, 2) or 26
    for _ in range(MOST_UNITS):
        header = file.at(offset, 4)
        if not header or header[0] == 0:
            return offset
        if len(header) < 4:
            return offset + 4
        offset += 4 + int.from_bytes(header[1:], "little")
    return None
