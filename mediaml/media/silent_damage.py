"""Damaged packets that a decoder neither refuses nor flags."""

from __future__ import annotations

from typing import Any

from av.packet import Packet

from mediaml.media.header_check import HeaderCheck

# Codecs of which every packet gives a frame, but for the second field of a pair.
FRAME_EACH = frozenset({"mpeg1video", "mpeg2video"})
# The extension that says whether a picture is a frame or a field (ISO/IEC 13818-2, 6.2.3.1).
EXTENSION, PICTURE_CODING, FRAME = b"\0\0\1\xb5", 8, 3


class SilentDamage:
    """Watches what becomes of the packets of one stream: those whose headers are damaged, and those of MPEG-1
    and MPEG-2 video that give no frame.

    Args:
        stream: the one that is decoded.
    """

    def __init__(self, stream: Any) -> None:
        codec = stream.codec.canonical_name if stream.codec_context is not None else ""
        self._headers = HeaderCheck(stream)
        self._damaged: set[int] = set()
        self._awaits = codec in FRAME_EACH
        self._awaited: set[int] = set()
        self._fields = 0
        self._shown: tuple[int, int] | None = None
        self._size: tuple[int, int] | None = None

    def send(self, packet: Packet[Any]) -> bool:
        """Note a packet that goes to the decoder; whether it is damaged and no frame will tell."""
        is_damaged = self._headers.is_damaged(packet)
        if packet.pts is None:
            return is_damaged
        if is_damaged:
            self._damaged.add(packet.pts)
        if self._awaits:
            self._awaited.add(packet.pts)
            self._fields += _is_field(bytes(packet))
        return False

    def refused(self, packet: Packet[Any]) -> None:
        """Note a packet that the decoder has refused."""
        if packet.pts is not None:
            self._damaged.discard(packet.pts)
            self._awaited.discard(packet.pts)

    def is_damaged(self, frame: Any) -> bool:
        """Whether a frame that was decoded is that of a damaged packet."""
        if frame.pts is None:
            return False
        if self._awaits:
            self._note(frame)
        is_damaged = frame.pts in self._damaged
        self._damaged.discard(frame.pts)
        return is_damaged

    def _note(self, frame: Any) -> None:
        self._awaited.discard(frame.pts)
        first, last = self._shown or (frame.pts, frame.pts)
        self._shown = first, max(last, frame.pts)
        if self._size not in (None, (frame.width, frame.height)):
            self._awaits = False  # Where the size changes, frames that refer to those before are left out.
        self._size = frame.width, frame.height

    def lost(self) -> list[int]:
        """At the end: when those damaged packets are shown that gave no frame."""
        lost = set(self._damaged)
        if self._awaits and self._shown is not None and self._fields < 2:
            # Before the first frame the stream may begin within a group of pictures.
            first, last = self._shown
            lost |= {pts for pts in self._awaited if first < pts < last}
        return sorted(lost)


def _is_field(data: bytes) -> bool:
    """Whether a packet begins with a picture that is one field of a frame."""
    at = data.find(EXTENSION)
    while at >= 0:
        if data[at + 4 : at + 5] and data[at + 4] >> 4 == PICTURE_CODING:
            return len(data) > at + 6 and data[at + 6] & 3 != FRAME
        at = data.find(EXTENSION, at + 4)
    return False
