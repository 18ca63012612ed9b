"""How many bytes a Matroska file must have by the sizes that it states, also where several are joined."""

from __future__ import annotations

from mediaml.media.file_bytes import FileBytes

EBML = b"\x1aE\xdf\xa3"
SEGMENT = b"\x18\x53\x80\x67"
CLUSTER = b"\x1f\x43\xb6\x75"
# More elements than these are not followed.
MOST_ELEMENTS = 100_000


def parts(file: FileBytes) -> list[int]:
    """Where each of the Matroska files begins that are joined byte by byte; one for a single file."""
    found, end = [0], segment_end(file, 0)
    while end is not None and file.at(end, 4) == EBML:
        found.append(end)
        end = segment_end(file, end)
    return found


def last_end(file: FileBytes) -> int | None:
    """The end of the last segment."""
    return segment_end(file, parts(file)[-1])


def segment_end(file: FileBytes, begins: int) -> int | None:
    """The end of the segment, from the EBML header at an offset (RFC 8794, 4 and 5)."""
    head = file.at(begins, 64)
    size, offset = _ebml_size(head, 4)
    start = offset + (size or 0)
    if size is None or head[start : start + 4] != SEGMENT:
        return None
    size, offset = _ebml_size(head, start + 4)
    return None if size is None else begins + offset + size


def last_cluster(file: FileBytes) -> int | None:
    """The end of the last cluster of a Matroska file that begins in it, where clusters state their sizes."""
    begins = parts(file)[-1]
    head = file.at(begins, 64)
    size, offset = _ebml_size(head, 4)
    _, offset = _ebml_size(head, offset + (size or 0) + 4)
    offset += begins
    end = None
    for _ in range(MOST_ELEMENTS):
        element = file.at(offset, 12)
        if len(element) < 12 or element[0] < 0x10:
            return end
        name = element[: 9 - element[0].bit_length()]
        size, after = _ebml_size(element, len(name))
        if size is None:
            return None
        offset += after + size
        if name == CLUSTER:
            end = offset
    return None


def _ebml_size(head: bytes, at: int) -> tuple[int | None, int]:
    """A variable-length size and the offset behind it; `None` for the size that means unknown."""
    if at >= len(head) or head[at] == 0:
        return None, at
    length = 9 - head[at].bit_length()
    value = int.from_bytes(head[at : at + length], "big") & ((1 << (7 * length)) - 1)
    return (None if value == (1 << (7 * length)) - 1 else value), at + length
