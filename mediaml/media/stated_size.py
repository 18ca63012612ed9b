"""How many bytes a file must have by the sizes that its own headers state."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mediaml.media.file_bytes import FileBytes

# A fragmented MP4 has a box or two for each fragment; more chunks than these are not followed.
MOST_CHUNKS = 100_000
# Recorders that cannot go back to the header write a size near 2 or 4 GiB.
UNKNOWN_32 = 0x7FFF0000
UNKNOWN_64 = 1 << 62
W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
ASF_BROADCAST = 1
MXF_PARTITION = bytes.fromhex("060e2b34020501010d010201")
MXF_RUN_IN = 1 << 16
# Bytes of side information of a stereo and a mono frame, by the version bits (ISO/IEC 11172-3, 13818-3).
MP3_SIDE = {3: (32, 17), 2: (17, 9), 0: (17, 9)}
MP3_SEARCH = 4096
FLV_METADATA = 1 << 16  # bytes at the start in which it is looked for


def mp4(file: FileBytes) -> int | None:
    """The end of the last box (ISO/IEC 14496-12, 4.2)."""
    if file.at(4, 4) != b"ftyp":
        return None
    end = 0
    for _, offset, length in _boxes(file):
        if length < 8:
            return None  # 0: up to the end of the file
        end = offset + length
    return end


def needs_all(file: FileBytes) -> bool:
    """Whether a cut MP4 has certainly lost something: part of its index, or of a movie fragment.

    Else what is missing is media data, and the index knows of which stream.
    """
    names = [name for name, _, _ in _boxes(file)]
    return b"moof" in names or names[-1:] in ([b"moov"], [b"moof"])


def _boxes(file: FileBytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset and length of each box; the last one may reach behind the end of the file."""
    offset = 0
    for _ in range(MOST_CHUNKS):
        length = file.big(offset, 4)
        if length is None:
            return
        if length == 1:
            length = file.big(offset + 8, 8) or 0
        yield file.at(offset + 4, 4), offset, length
        if length < 8:
            return
        offset += length


def wav(file: FileBytes) -> int | None:
    """The end of the chunk `data` of a WAV or RF64 file (EBU Tech 3306)."""
    offset, long_size = 12, None
    for _ in range(MOST_CHUNKS):
        name, size = file.at(offset, 4), file.little(offset + 4, 4)
        if size is None:
            return None
        if name == b"ds64":
            long_size = file.little(offset + 16, 8)
        if name == b"data":
            if size == 0xFFFFFFFF and long_size is not None:
                return offset + 8 + long_size if 0 < long_size < UNKNOWN_64 else None
            return offset + 8 + size if 0 < size < UNKNOWN_32 else None
        offset += 8 + size + size % 2
    return None


def avi(file: FileBytes) -> int | None:
    """The end of the last list `movi`; a file of more than 1 GiB has several, each in a RIFF of its own."""
    offset, end = 0, None
    for _ in range(MOST_CHUNKS):
        name, size, kind = file.at(offset, 4), file.little(offset + 4, 4), file.at(offset + 8, 4)
        if size is None or (name not in (b"RIFF", b"LIST", b"JUNK", b"idx1") and end is not None):
            return end
        if name == b"LIST" and kind == b"movi":
            if not 4 < size < UNKNOWN_32:
                return None
            end = offset + 8 + size
        offset += 12 if name == b"RIFF" else 8 + size + size % 2
    return None


def aiff(file: FileBytes) -> int | None:
    """The end of the chunk `SSND`."""
    return _chunk_end(file, 12, b"SSND", 4, UNKNOWN_32, pad=2)


def caf(file: FileBytes) -> int | None:
    """The end of the chunk `data` of Apple's Core Audio Format."""
    return _chunk_end(file, 8, b"data", 8, UNKNOWN_64, pad=1)


def _chunk_end(
    file: FileBytes, offset: int, name: bytes, width: int, unknown: int, *, pad: int
) -> int | None:
    for _ in range(MOST_CHUNKS):
        size = file.big(offset + 4, width)
        if size is None:
            return None
        end = offset + 4 + width + size
        if file.at(offset, 4) == name:
            return end if 0 < size < unknown else None
        offset = end + end % pad
    return None


def au(file: FileBytes) -> int | None:
    """The end of the samples of a Sun or NeXT file."""
    start, size = file.big(4, 4), file.big(8, 4)
    return start + size if start is not None and size is not None and 0 < size < UNKNOWN_32 else None


def w64(file: FileBytes) -> int | None:
    """The end of the chunk `data` of Sony's Wave64, whose sizes count the 24 bytes of their headers."""
    offset = 40
    for _ in range(MOST_CHUNKS):
        size = file.little(offset + 16, 8)
        if size is None or size < 24:
            return None
        if file.at(offset, 16) == W64_DATA:
            return offset + size if size < UNKNOWN_64 else None
        offset += size + -size % 8
    return None


def asf(file: FileBytes) -> int | None:
    """The end of the data object (Advanced Systems Format, 2 and 3.2)."""
    header, offset = file.little(16, 8), 30
    if header is None:
        return None
    while offset < header:
        size = file.little(offset + 16, 8)
        if size is None or size < 24:
            return None
        if file.at(offset, 16) == ASF_FILE_PROPERTIES and (file.little(offset + 88, 4) or 0) & ASF_BROADCAST:
            return None
        offset += size
    size = file.little(header + 16, 8)
    if file.at(header, 16) != ASF_DATA or size is None or not 50 < size < UNKNOWN_64:
        return None
    return header + size


def mxf(file: FileBytes) -> int | None:
    """Where the footer partition begins (SMPTE ST 377-1, 7.1); a file that ends before it has no end."""
    start = file.at(0, MXF_RUN_IN).find(MXF_PARTITION)
    if start < 0:
        return None
    length = file.at(start + 16, 1)
    if not length:
        return None
    value = start + 17 + (length[0] & 0x7F if length[0] & 0x80 else 0)
    footer = file.big(value + 24, 8)
    return start + footer + 16 if footer else None


def flv(file: FileBytes) -> int | None:
    """The size of the file by its metadata (Adobe Flash Video, E.5); `None` where it is not stated."""
    head = file.at(0, FLV_METADATA)
    at = head.find(b"filesize\0")
    stated = head[at + 9 : at + 17]
    size = struct.unpack(">d", stated)[0] if at >= 0 and len(stated) == 8 else 0.0
    return int(size) if 0 < size < UNKNOWN_64 else None


def swf(file: FileBytes) -> int | None:
    """The length in the header, which for a compressed file is that of its content."""
    return file.little(4, 4) if file.at(0, 3) == b"FWS" else None


def mp3(file: FileBytes) -> int | None:
    """The end of the frames by a Xing, Info or VBRI header in the first of them; 0 where it does not say."""
    found = _mp3_header(file)
    if found is None:
        return None
    first, at, data = found
    if data[at : at + 4] == b"VBRI":
        return first + int.from_bytes(data[at + 10 : at + 14], "big")
    flags = int.from_bytes(data[at + 4 : at + 8], "big")
    place = at + 8 + (4 if flags & 1 else 0)
    return first + int.from_bytes(data[place : place + 4], "big") if flags & 2 else 0


def _mp3_header(file: FileBytes) -> tuple[int, int, bytes] | None:
    """Offset of the first frame, and in the bytes from there on that of its header of the whole file."""
    start = 0
    while file.at(start, 3) == b"ID3":
        size = file.at(start + 6, 4)
        start += 10 + sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(size))
    data = file.at(start, MP3_SEARCH)
    for skipped in range(len(data) - 4):
        if data[skipped] == 0xFF and data[skipped + 1] & 0xE6 == 0xE2:
            side = MP3_SIDE.get(data[skipped + 1] >> 3 & 3)
            if side is None:
                continue
            places = (4 + side[data[skipped + 3] >> 6 == 3], 36)
            for place, names in zip(places, ((b"Xing", b"Info"), (b"VBRI",)), strict=True):
                if data[skipped + place : skipped + place + 4] in names:
                    return start + skipped, place, data[skipped:]
            return None
    return None
