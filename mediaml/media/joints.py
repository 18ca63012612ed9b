"""Where the clock of a file restarts, found in the time stamps of its packets.

Other clocks begin where recordings were joined byte by byte. One wrong stamp is none, nor is a hole in the
times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet

from mediaml.core.location import Location, is_stream
from mediaml.media.limits import Limits
from mediaml.media.open import open_container

GENERATE_PTS = 0x0001  # AVFMT_FLAG_GENPTS of libavformat/avformat.h
# A smaller step back is a wrong stamp. FFmpeg's own threshold: `ts_discontinuity_process`, ffmpeg_demux.c.
STEP_BACK_S = Fraction(1, 10)
# A packet that comes so soon after another may follow it on the same clock.
NEAR_S = 10
# Transport and program streams count 33 bits at 90 kHz (ISO/IEC 13818-1, 2.4.3.7). FFmpeg takes a step back
# for an overflow of that counter and adds 2^33; so a jump of more than half of it is a step back as well.
HALF_WRAP_S = Fraction(1 << 32, 90_000)
# The streams of one part start within so many seconds of each other.
SAME_START_S = 5
Part = tuple[int, Fraction]
"""Number of a stream's first packet in a part, and the seconds to add to its stamps from there on."""


def stores_dts(container: InputContainer) -> bool:
    """Whether decoding times come from the file. Matroska has none, and FFmpeg's guess fails at a restart."""
    return "matroska" not in container.format.name


def timed_streams(container: InputContainer) -> list[Any]:
    """The video and audio streams, whose stamps show where the clock restarts."""
    return [*container.streams.video, *container.streams.audio]


class StepWatch:
    """Finds steps of the clock in the stamps of one stream, packet by packet in decoding order.

    Args:
        time_base: seconds of one tick.
        by_dts: whether the container stores decoding times; see `stores_dts`.

    Attributes:
        latest: the last stamp that was in order, in ticks.
    """

    def __init__(self, time_base: Fraction, *, by_dts: bool) -> None:
        self._by_dts = by_dts
        self._back = ceil(STEP_BACK_S / time_base)
        self._half_wrap = int(HALF_WRAP_S / time_base)
        self._near = int(NEAR_S / time_base)
        self.latest: int | None = None

    def stamp(self, packet: Packet[Any]) -> int | None:
        """The tick to go by: the decoding time, or the presentation time where there is no other."""
        return packet.dts if self._by_dts and packet.dts is not None else packet.pts

    def steps(self, packet: Packet[Any]) -> bool:
        """Whether a packet is on another clock than the latest one; if not, it becomes the latest."""
        stamp = self.stamp(packet)
        if stamp is None:
            return False
        # Presentation times go up and down with B-frames, but not back over a keyframe.
        is_ordered = packet.is_keyframe or (self._by_dts and packet.dts is not None)
        if (
            is_ordered
            and self.latest is not None
            and not -self._back <= stamp - self.latest <= self._half_wrap
        ):
            return True
        self.latest = stamp if self.latest is None else max(self.latest, stamp)
        return False

    def resumes(self, stamp: int) -> bool:
        """Whether a stamp continues the latest one, so that the one between the two was simply wrong."""
        return self.latest is not None and self.latest < stamp <= self.latest + self._near


@dataclass(slots=True)
class Stretch:
    """Packets of one stream on one clock.

    Attributes:
        stream: index. first: number of the first packet in its stream. place: order among all stretches.
        start_s, end_s: when the earliest is shown and when the last one ends, by their own stamps.
    """

    stream: int
    first: int
    place: int
    start_s: Fraction
    end_s: Fraction


@dataclass(slots=True)
class Scan:
    """The stretches of one stream, found while its packets go by.

    Attributes:
        watch: over its stamps.
        stretches: so far.
        doubtful: stamp and packet of a step that the next packet will confirm or not.
        lead: the most ticks by which a packet is shown after it is decoded.
        ahead: latest stamp and end before the last packet, where that jumped ahead.
    """

    watch: StepWatch
    stretches: list[Stretch] = field(default_factory=list)
    doubtful: tuple[int, Stretch] | None = None
    lead: int = 0
    ahead: tuple[int, Fraction] | None = None

    def take(self, packet: Packet[Any], number: int, place: int) -> bool:
        """Note the packet of a number; whether it may begin a stretch of that place.

        A step may be another clock or one wrong stamp; the next packet settles which.
        """
        stamp, ticks = self.watch.stamp(packet), packet.pts
        if packet.dts is not None:
            # Program streams leave out presentation times: such a packet is shown as late as others were.
            self.lead = max(self.lead, 0 if ticks is None else ticks - packet.dts)
            ticks = packet.dts + self.lead if ticks is None else ticks
        if stamp is None or ticks is None or packet.time_base is None:
            return False
        start_s, end_s = ticks * packet.time_base, (ticks + (packet.duration or 0)) * packet.time_base
        stretch = Stretch(packet.stream_index, number, place, start_s, end_s)
        if self.doubtful is not None:
            self._settle(stamp)
        before, ahead = self.watch.latest, self.ahead
        self.ahead = None
        if self.watch.steps(packet):
            if ahead is None or stamp <= ahead[0]:
                self.doubtful = stamp, stretch
                return True
            # Back from one wrong stamp far ahead, which is undone.
            self.watch.latest, self.stretches[-1].end_s = stamp, ahead[1]
        if not self.stretches:
            self.stretches.append(stretch)
        last = self.stretches[-1]
        if before is not None and (stamp - before) * packet.time_base > STEP_BACK_S:
            self.ahead = before, last.end_s
        last.start_s, last.end_s = min(last.start_s, start_s), max(last.end_s, end_s)
        return False

    def _settle(self, stamp: int) -> None:
        assert self.doubtful is not None
        before, stretch = self.doubtful
        self.doubtful = None
        if not self.watch.resumes(stamp):
            self.stretches.append(stretch)
            self.watch.latest = before


@dataclass(frozen=True, slots=True)
class Joints:
    """Where the clock of a file restarts.

    Attributes:
        parts: for each stream's index its parts after the first, in order.
        starts_s: when each of those parts is first shown in that stream, with the shift added.
    """

    parts: Mapping[int, tuple[Part, ...]] = field(default_factory=dict)
    starts_s: Mapping[int, tuple[Fraction, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.parts.values())


class JointFinder:
    """The joints of one file, looked for when they are first asked for."""

    def __init__(self, path: Location, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._joints: Joints | None = None

    def __call__(self) -> Joints:
        """The joints; none for a stream, which may be live.

        Raises:
            MediaError: the file can no longer be opened.
        """
        if self._joints is None and is_stream(self._path):
            self._joints = Joints()
        if self._joints is None:
            with open_container(self._path, self._limits) as container:
                self._joints = find_joints(container)
        return self._joints


def find_joints(container: InputContainer) -> Joints:
    """Go through all packets of a file, without decoding, for the places where its clock restarts."""
    by_dts = stores_dts(container)
    scans = {
        stream.index: Scan(StepWatch(stream.time_base, by_dts=by_dts))
        for stream in timed_streams(container)
        if stream.time_base
    }
    seen = {stream.index: 0 for stream in container.streams}
    counts: list[dict[int, int]] = []
    container.flags &= ~GENERATE_PTS
    try:
        for packet in container.demux():
            if not packet.size:
                continue
            scan = scans.get(packet.stream_index)
            if scan is not None and scan.take(packet, seen[packet.stream_index], len(counts)):
                counts.append(dict(seen))
            seen[packet.stream_index] += 1
    except (av.FFmpegError, OSError, IndexError):
        pass  # The pass that decodes ends there too, and says why; for IndexError see `Decoding`.
    return _placed([scan.stretches for scan in scans.values() if scan.stretches], counts, list(seen))


def _placed(streams: list[list[Stretch]], counts: list[dict[int, int]], indices: list[int]) -> Joints:
    """Parts out of the stretches of all streams; see `Joints`.

    Args:
        streams: the stretches of each video and audio stream.
        counts: packets of each stream before a stretch; `Stretch.place` is the position in this list.
        indices: of all streams, subtitles too.
    """
    restarts = sorted((each for stream in streams for each in stream[1:]), key=lambda each: each.place)
    groups: list[dict[int, Stretch]] = []
    for stretch in restarts:
        if groups and _belongs(stretch, groups[-1]):
            groups[-1][stretch.stream] = stretch
        else:
            groups.append({stretch.stream: stretch})
    end_s = max((stream[0].end_s for stream in streams), default=Fraction(0))
    parts: dict[int, list[Part]] = {index: [] for index in indices}
    starts_s: dict[int, list[Fraction]] = {index: [] for index in parts}
    for group in groups:
        shift_s = end_s - min(stretch.start_s for stretch in group.values())
        before = counts[min(stretch.place for stretch in group.values())]
        for index, own_parts in parts.items():
            own = group.get(index)
            own_parts.append((own.first if own else before[index], shift_s))
            if own:
                starts_s[index].append(own.start_s + shift_s)
        end_s = max(stretch.end_s + shift_s for stretch in group.values())
    return Joints(
        {index: tuple(each) for index, each in parts.items()},
        {index: tuple(each) for index, each in starts_s.items()},
    )


def _belongs(stretch: Stretch, group: Mapping[int, Stretch]) -> bool:
    """Whether a stretch of another stream is of the same part as those in a group."""
    starts = (abs(other.start_s - stretch.start_s) <= SAME_START_S for other in group.values())
    return stretch.stream not in group and any(starts)
