"""Where the last frame of a raw stream ends by its own header; in a cut file, behind the end.

A raw stream is nothing but frames, and these decoders pass what is left of a last one that is cut.
"""

from __future__ import annotations

from collections.abc import Callable

from mediaml.media.file_bytes import FileBytes
from mediaml.media.last_unit import MOST_UNITS

HEADER = 16
# Bytes at the end in which frames are looked for; of TrueHD every 128th alone begins with a sync word.
TAIL, TRUEHD_TAIL = 1 << 16, 1 << 19
# So many frames must follow one another: one alone may be other bytes that look like a header.
LEAST_FRAMES = 3
# Kbit/s and Hz of MPEG audio, layer II, by the bits of its header (ISO/IEC 11172-3, 2.4.2.3; 13818-3).
RATES_1 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
HERTZ = (44_100, 48_000, 32_000)
DTS_SYNC = b"\x7f\xfe\x80\x01"
TRUEHD_SYNC = b"\xf8\x72\x6f\xba"
TRUEHD_STREAMS = 20  # where a major access unit has the number of its substreams, in four bits
DIRAC_SYNC, DIRAC_HEADER, DIRAC_END = b"BBCD", 13, 0x10

Length = Callable[[bytes], int | None]
"""Bytes of the frame with some header; `None` where it is no header."""


def layer_2(file: FileBytes) -> int | None:
    """The end of the last frame of MPEG audio, layer II; `None` for other layers, and before a tag."""
    return _last(file, b"\xff", _layer_2_length)


def _layer_2_length(header: bytes) -> int | None:
    if header[0] != 0xFF or header[1] & 0xE6 != 0xE4 or header[1] & 0x18 == 0x08:
        return None
    rate, hertz, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if rate in (0, 15) or hertz == 3:
        return None
    is_1 = header[1] & 0x18 == 0x18
    halvings = 0 if is_1 else 1 if header[1] & 0x18 == 0x10 else 2
    kilobits = (RATES_1 if is_1 else RATES_2)[rate]
    return 144_000 * kilobits // (HERTZ[hertz] >> halvings) + padding


def dts(file: FileBytes) -> int | None:
    """The end of the last core frame (ETSI TS 102 114, 5.4), of 16 bits and big-endian."""
    return _last(file, DTS_SYNC, _dts_length)


def _dts_length(header: bytes) -> int | None:
    if not header.startswith(DTS_SYNC):
        return None
    length = ((header[5] & 3) << 12 | header[6] << 4 | header[7] >> 4) + 1
    return length if length >= 96 else None


def truehd(file: FileBytes) -> int | None:
    """The end of the last access unit (Dolby TrueHD, high-level bitstream description, 3)."""
    start, data = file.tail(TRUEHD_TAIL)
    at = data.find(TRUEHD_SYNC) - 4
    if at < 0:
        return None
    streams = data[at + TRUEHD_STREAMS] >> 4 if len(data) > at + TRUEHD_STREAMS else 0
    while at < len(data):
        is_major = data.startswith(TRUEHD_SYNC, at + 4)
        header = data[at : at + 4 + 4 * streams]
        if len(header) < 4 + 2 * streams:
            return start + at + 4 + 2 * streams
        if not is_major and not _is_truehd(header, streams):
            return None
        length = 2 * (int.from_bytes(data[at : at + 2], "big") & 0xFFF)
        if length < 4:
            return None
        at += length
    return start + at


def _is_truehd(header: bytes, streams: int) -> bool:
    """Whether the nibbles of a minor access unit's header and of its directory of substreams add up."""
    place = 4
    for _ in range(streams):
        place += 4 if len(header) > place and header[place] & 0x80 else 2
    parity = 0
    for byte in header[:place]:
        parity ^= byte
    return len(header) >= place and (parity >> 4 ^ parity) & 0xF == 0xF


def dirac(file: FileBytes) -> int | None:
    """The end of the last data unit of Dirac or VC-2 (SMPTE ST 2042-1, 10.5)."""
    offset = 0
    for _ in range(MOST_UNITS):
        if offset == file.size:
            return offset
        header = file.at(offset, DIRAC_HEADER)
        if len(header) < DIRAC_HEADER:
            return offset + DIRAC_HEADER if DIRAC_SYNC.startswith(header[:4]) else None
        following = int.from_bytes(header[5:9], "big")
        if not header.startswith(DIRAC_SYNC) or (header[4] != DIRAC_END and following < DIRAC_HEADER):
            return None
        offset += DIRAC_HEADER if header[4] == DIRAC_END else following
        if offset > file.size:
            return offset
    return None


def _last(file: FileBytes, sync: bytes, length: Length) -> int | None:
    """The end of the last of the frames that follow one another up to the end of a file."""
    start, data = file.tail(TAIL)
    at = data.find(sync)
    while at >= 0:
        end, frames = _chain(data, at, length)
        if end is not None and frames >= LEAST_FRAMES:
            return start + end
        at = data.find(sync, at + 1)
    return None


def _chain(data: bytes, at: int, length: Length) -> tuple[int | None, int]:
    """Where frames from a place on end, `None` where one is followed by something else; and their number."""
    frames = 0
    while at < len(data):
        header = data[at : at + HEADER]
        size = length(header.ljust(HEADER, b"\0"))
        if size is None:
            return None, frames
        at, frames = at + size, frames + 1
    return at, frames
