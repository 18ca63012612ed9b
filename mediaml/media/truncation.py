"""Whether a video or sound file ends before the end that its own header names."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from mediaml.core.errors import MediaError
from mediaml.core.location import Location, Url

EBML = b"\x1aE\xdf\xa3"
SEGMENT = b"\x18\x53\x80\x67"
# A fragmented MP4 has a box or two for each fragment; more than these are not followed.
MOST_BOXES = 100_000
# FFmpeg goes on to a second segment, and no further.
MOST_PARTS = 2
# What a header may round off.
SLACK_S = 0.1
# A pad byte or two, which some writers count and do not write.
SLACK_BYTES = 16
# Recorders that cannot go back to the header write a size near 2 or 4 GiB.
UNKNOWN_RIFF = 0x7FFF0000


def claimed_size(path: Path) -> int | None:
    """Bytes that the outermost structure of an MP4, Matroska or RIFF file says it has; `None` if it does not.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(64)
        if head[:4] == EBML:
            return _matroska(head)
        if head[:4] == b"RIFF":
            size: int = struct.unpack_from("<I", head, 4)[0]
            return None if size == 0 or size >= UNKNOWN_RIFF else 8 + size
        if head[4:8] != b"ftyp":
            return None
        offset, end = 0, os.fstat(file.fileno()).st_size
        for _ in range(MOST_BOXES):
            file.seek(offset)
            header = file.read(16)
            if len(header) < 8 or offset >= end:
                return offset
            length: int = struct.unpack_from(">I", header)[0]
            if length == 1 and len(header) == 16:
                length = struct.unpack_from(">Q", header, 8)[0]
            if length < 8:
                return None
            offset += length
    return None


def check_parts(path: Location) -> None:
    """Refuse to call a file read that is more Matroska files joined byte by byte than FFmpeg reads.

    Raises:
        MediaError: there are more than `MOST_PARTS`.
    """
    if isinstance(path, Url):
        return
    offset = parts = 0
    with path.open("rb") as file:
        while (head := file.read(64))[:4] == EBML:
            parts += 1
            size = _matroska(head)
            if size is None:
                break
            offset += size
            file.seek(offset)
    if parts > MOST_PARTS:
        raise MediaError(
            f"{path} is {parts} Matroska files joined byte by byte; only the first {MOST_PARTS} can be read.",
            "Join the files with mkvmerge, or give them one by one.",
        )


def _matroska(head: bytes) -> int | None:
    """The end of the segment, from the EBML header (RFC 8794, 4 and 5)."""
    size, offset = _ebml_size(head, 4)
    start = offset + (size or 0)
    if size is None or head[start : start + 4] != SEGMENT:
        return None
    size, offset = _ebml_size(head, start + 4)
    return None if size is None else offset + size


def _ebml_size(head: bytes, at: int) -> tuple[int | None, int]:
    """A variable-length size and the offset behind it; `None` for the size that means unknown."""
    if at >= len(head) or head[at] == 0:
        return None, at
    length = 9 - head[at].bit_length()
    value = int.from_bytes(head[at : at + length], "big") & ((1 << (7 * length)) - 1)
    return (None if value == (1 << (7 * length)) - 1 else value), at + length


def check_whole(
    path: Location, claimed_s: float | None, end_s: float, *, missing: int, fewer: bool = False
) -> None:
    """Refuse to call a file read whose end is missing.

    Args:
        path: the file.
        claimed_s: seconds that the header claims for the stream.
        end_s: where the last frame ended.
        missing: packets that stand in the file's index but did not come.
        fewer: whether fewer frames came than the header claims.

    Raises:
        MediaError: packets of the index are missing, or the file is smaller than its header says and its
            stream is shorter.
    """
    if not missing:
        shorter = claimed_s is not None and end_s < claimed_s - SLACK_S
        if not shorter and not fewer:
            return
        if isinstance(path, Url):
            return
        try:
            claimed = claimed_size(path)
            if claimed is None or path.stat().st_size + SLACK_BYTES >= claimed:
                return
        except OSError as error:
            raise MediaError(f"{path} can no longer be read: {error.strerror}.", "Check the disk.") from error
    of = f" of {claimed_s:.1f} s" if claimed_s is not None and claimed_s > end_s else ""
    raise MediaError(
        f"{path} is cut off: it ends after {end_s:.1f} s{of}.",
        "Copy it again from where it came; results for what is there can be had from a remuxed copy.",
    )
