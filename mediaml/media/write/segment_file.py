"""One slice of an annotated video as a file of its own: H.264, and a record of what it holds.

`000012.h264` is a byte stream (ITU-T H.264, annex B) that any player of raw H.264 plays: parameter sets, then
the packets. `000012.json` says at which times the packets are shown, which such a stream cannot say. The
record is written last: where it is, the segment is whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from mediaml.core.atomic_file import write_atomically
from mediaml.core.errors import MediaError

VERSION = 1


class Unit(NamedTuple):
    """One packet: bytes, when and how long it is shown in ticks of the copy's clock, is it a keyframe."""

    size: int
    pts: int
    duration: int
    key: bool


class Segment(msgspec.Struct, frozen=True):
    """What a segment holds.

    Attributes:
        fingerprint: of all that it was drawn from; see `Artist`.
        following: number of the slice after this one that has frames; `None` where this is the last.
        frames: time and duration of every frame that was drawn, seconds of the source, as read.
        units: of every packet, in decoding order.
        parameter_sets: SPS and PPS as hexadecimal digits.
        crowded: frames that are left out because another has their time.
        checksum: CRC-32 of the whole byte stream.
        version: of this format.
    """

    fingerprint: str
    following: int | None
    frames: list[tuple[float, float]]
    units: list[Unit]
    parameter_sets: str
    crowded: int
    checksum: int
    version: int = VERSION

    @property
    def delay(self) -> int:
        """By how many packets decoding must be ahead, so that each packet comes before it is shown."""
        rank = {pts: place for place, pts in enumerate(sorted(unit.pts for unit in self.units))}
        return max((place - rank[unit.pts] for place, unit in enumerate(self.units)), default=0)


class SegmentFile:
    """The files of the segment with a number in a folder."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.stream = folder / f"{number:06}.h264"
        self.record = folder / f"{number:06}.json"

    def read(self) -> Segment | None:
        """The segment's record; `None` where there is none, or none that can be trusted."""
        try:
            segment = msgspec.json.decode(self.record.read_bytes(), type=Segment)
            size = self.stream.stat().st_size
        except (OSError, msgspec.DecodeError):
            return None
        whole = len(segment.parameter_sets) // 2 + sum(unit.size for unit in segment.units)
        forward = segment.following is None or segment.following > self.number
        return segment if segment.version == VERSION and size == whole and forward else None

    def write_record(self, segment: Segment) -> None:
        """Mark the segment as whole.

        Raises:
            MediaError: the record cannot be written.
        """
        write_atomically(self.record, msgspec.json.encode(segment), error=MediaError)

    def packets(self, segment: Segment) -> Iterator[bytes]:
        """The packets' bytes, in decoding order.

        Raises:
            BrokenSegmentError: they are not what was written.
        """
        try:
            with self.stream.open("rb") as file:
                checksum = zlib.crc32(file.read(len(segment.parameter_sets) // 2))
                for unit in segment.units:
                    data = file.read(unit.size)
                    checksum = zlib.crc32(data, checksum)
                    yield data
        except OSError as error:
            raise BrokenSegmentError(self.number) from error
        if checksum != segment.checksum:
            raise BrokenSegmentError(self.number)

    def remove(self) -> None:
        """Remove the segment, its record first."""
        for path in (self.record, self.stream):
            with suppress(OSError):
                path.unlink()


class BrokenSegmentError(Exception):
    """A segment is not what its record says; it has to be drawn again."""

    def __init__(self, number: int) -> None:
        super().__init__(f"segment {number} is damaged")
        self.number = number
