"""Damage in the headers of coded frames, which decoders may pass over without an error or a flag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet

# FFmpeg's filters that read every field of the headers and refuse what the standards exclude.
FILTERS = {"h264": "h264_metadata", "hevc": "hevc_metadata", "av1": "av1_metadata"}
# Units that hold coded frames or what these need (ITU-T H.264, table 7-1; H.265, table 7-1). Others are left
# out: encoders write supplements of their own making, which no frame depends on.
H264_UNITS = frozenset({1, 5, 7, 8})
HEVC_UNITS = frozenset(range(35))
# Headers are at the start of a unit; reading what is behind them would cost a tenth of decoding.
HEAD = 4096
START = b"\0\0\1"


class HeaderCheck:
    """Checks the packets of one H.264, HEVC or AV1 stream in decoding order, from the first keyframe on.

    A stream whose own first keyframe does not pass is of a kind that FFmpeg's filters do not know: all of it
    passes. So does every stream of another codec.
    """

    def __init__(self, stream: Any) -> None:
        self._codec: str = stream.codec.canonical_name if stream.codec_context is not None else ""
        self._length = _length_bytes(self._codec, stream)
        self._stream = stream
        self._filter = self._opened()
        self._waits = True
        self._passed = False

    def _opened(self) -> BitStreamFilterContext | None:
        if self._codec not in FILTERS:
            return None
        try:
            return BitStreamFilterContext(FILTERS[self._codec], self._stream)
        except (av.FFmpegError, OSError, ValueError):
            return None  # Its parameter sets are of no known kind.

    def is_damaged(self, packet: Packet[Any]) -> bool:
        """Whether the headers of a packet are damaged."""
        if self._filter is None or (self._waits and not packet.is_keyframe):
            return False
        if packet.has_sidedata("new_extradata"):
            self._filter = None  # The filter has the parameter sets of the stream, not those.
            return False
        data = bytes(packet) if self._codec == "av1" else self._heads(bytes(packet))
        if not data:
            return False  # An empty packet is the end to a filter.
        self._waits = False
        try:
            self._filter.filter(Packet(data))
        except av.error.InvalidDataError:
            # The filter of AV1 takes what follows for more of the damaged frame.
            self._waits = self._codec == "av1"
            self._filter = (self._opened() if self._waits else self._filter) if self._passed else None
            return self._passed
        except (av.FFmpegError, OSError, ValueError):
            self._filter = None
        self._passed = True
        return False

    def _heads(self, data: bytes) -> bytes:
        """The first bytes of each unit that matters, framed as the packet's units are."""
        heads = [unit[:HEAD] for unit in self._units(data) if self._matters(unit)]
        if not self._length:
            return b"".join(START + head for head in heads)
        return b"".join(len(head).to_bytes(self._length, "big") + head for head in heads)

    def _units(self, data: bytes) -> Iterator[bytes]:
        if not self._length:
            yield from data.split(START)[1:]
            return
        offset = 0
        while offset < len(data):
            begins = offset + self._length
            offset = begins + int.from_bytes(data[offset:begins], "big")
            yield data[begins:offset]

    def _matters(self, unit: bytes) -> bool:
        if len(unit) < 2:
            return False
        if self._codec == "h264":
            return unit[0] & 31 in H264_UNITS
        is_base = not (unit[0] & 1 or unit[1] >> 3)  # Layers above show other views, or more detail.
        return is_base and unit[0] >> 1 in HEVC_UNITS


def _length_bytes(codec: str, stream: Any) -> int:
    """Bytes of the length before each unit (ISO/IEC 14496-15, 5.3.3 and 8.3.3); 0 with start codes."""
    place = {"h264": 4, "hevc": 21}.get(codec)
    described = stream.codec_context.extradata or b"" if place else b""
    if place is None or len(described) <= place or described[0] != 1:
        return 0
    return (described[place] & 3) + 1
