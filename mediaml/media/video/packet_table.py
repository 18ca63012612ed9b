"""The packets of a video stream, read without decoding: when each frame is shown, and what it depends on."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from mediaml.core.location import Location, Url
from mediaml.media.clock import may_restart, origin_s
from mediaml.media.joints import GENERATE_PTS, HALF_WRAP_S, JointFinder
from mediaml.media.limits import Limits
from mediaml.media.open import open_container, video_stream

# Codecs of which every packet gives one frame, with the time of that packet.
FRAME_EACH = frozenset({"av1", "dnxhd", "h264", "hevc", "mjpeg", "mpeg2video", "mpeg4", "prores", "vp9"})


@dataclass(frozen=True, slots=True, eq=False)
class PacketTable:
    """The packets of a stream in the order of the file, which is that of decoding.

    Attributes:
        pts: int64 [n], ticks. keys: bool [n], whether decoding can begin there.
        order: int64 [n], the positions of the packets in order of presentation.
        times_s, durations_s: float64 [n], in order of presentation, on the container's clock.
        time_base: seconds of one tick.
    """

    pts: NDArray[np.int64] = field(repr=False)
    keys: NDArray[np.bool_] = field(repr=False)
    order: NDArray[np.int64] = field(repr=False)
    times_s: NDArray[np.float64] = field(repr=False)
    durations_s: NDArray[np.float64] = field(repr=False)
    time_base: Fraction

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def shown_keys(self) -> NDArray[np.bool_]:
        """`keys` in order of presentation."""
        return self.keys[self.order]

    def rank_at(self, time_s: float) -> int | None:
        """The number of the frame that is shown at just that time; `None` where there is none."""
        at = int(np.searchsorted(self.times_s, time_s))
        return at if at < len(self) and float(self.times_s[at]) == time_s else None


@dataclass(slots=True)
class _Columns:
    """What is noted of every packet."""

    half_wrap: int
    pts: array[int] = field(default_factory=lambda: array("q"))
    dts: array[int] = field(default_factory=lambda: array("q"))
    keys: array[int] = field(default_factory=lambda: array("b"))
    last: tuple[int, int] = (0, -1)
    """Duration and tick of the packet that is shown last."""

    def note(self, packet: Packet[Any]) -> bool:
        """Note a packet; false where its time cannot be relied on."""
        if packet.pts is None or packet.is_discard or packet.is_corrupt:
            return False
        if packet.dts is not None:
            # Matroska's are a guess of FFmpeg, rounded to milliseconds.
            if self.dts and not 0 <= packet.dts - self.dts[-1] <= self.half_wrap:
                return False
            self.dts.append(packet.dts)
        self.pts.append(packet.pts)
        self.keys.append(packet.is_keyframe)
        if packet.pts > self.last[1] or len(self.pts) == 1:
            self.last = packet.duration or 0, packet.pts
        return True


def packet_table(
    path: Location, limits: Limits, joints: JointFinder, step: Callable[[], None] = lambda: None
) -> PacketTable | None:
    """Go through a file's packets; `None` where they do not say for sure which frames a decoder gives.

    So it is where stamps are missing, doubled or out of order, where recordings were joined, where packets of
    the index are missing, for codecs whose packets may give no frame, and for URLs.

    Args:
        joints: of the file.
        step: called for every packet: a heartbeat.

    Raises:
        MediaError: the file can no longer be opened.
    """
    if isinstance(path, Url):
        return None
    with open_container(path, limits) as container:
        stream, origin = video_stream(container), origin_s(container)
        if stream is None or origin is None or not stream.time_base or stream.codec_context is None:
            return None
        columns = None
        if stream.codec.canonical_name in FRAME_EACH:
            columns = _read(container, stream, step)
        if columns is None or stream.frames not in (0, len(columns.pts)):
            return None
        if may_restart(container) and joints():
            return None
        nominal = 1 / stream.average_rate if stream.average_rate else Fraction(0)
        return _table(columns, stream.time_base, origin / stream.time_base, nominal)


def _read(container: InputContainer, stream: Any, step: Callable[[], None]) -> _Columns | None:
    """All packets of a stream; `None` where one of them cannot be relied on."""
    columns = _Columns(int(HALF_WRAP_S / stream.time_base))
    container.flags &= ~GENERATE_PTS
    try:
        for packet in container.demux(stream):
            step()
            if packet.size and not columns.note(packet):
                return None
    except (av.FFmpegError, OSError, IndexError):
        return None
    return columns


def _table(columns: _Columns, base: Fraction, start: Fraction, nominal: Fraction) -> PacketTable | None:
    pts, keys = np.array(columns.pts, np.int64), np.array(columns.keys, bool)
    order = np.argsort(pts, kind="stable")
    ticks = pts[order]
    steps = np.diff(ticks)
    if not len(pts) or not keys[0] or (steps <= 0).any():
        return None
    times_s = np.array([float((tick - start) * base) for tick in ticks.tolist()])
    last_s = float(columns.last[0] * base) or float(nominal)
    return PacketTable(pts, keys, order, times_s, np.append(np.diff(times_s), last_s), base)
