"""The clock that all streams of a file share, also where it restarts midway, as in joined recordings.

Time 0 is the start of the file as players show it: `start_time` of the container. Where the time stamps step
back, another recording begins (joined broadcasts, files concatenated byte by byte). It is placed behind the
end of everything before it, by one shift for all of its streams, so that image, audio and subtitles of each
part stay in sync.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, cast

import av
from av.container import InputContainer
from av.format import Flags as FormatFlags
from av.packet import Packet

from mediaml.media.joints import HALF_WRAP_S, Joints, StepWatch, stores_dts
from mediaml.media.open import container_duration_s


def origin_s(container: InputContainer) -> Fraction | None:
    """The start of a file on the clock of its stamps, seconds; `None` where the file does not say.

    The container's own value is rounded to microseconds; the stream that starts there has it exactly.
    """
    if container.start_time is None:
        return None
    for stream in container.streams:
        if stream.start_time is not None and stream.time_base is not None:
            exact = stream.start_time * stream.time_base
            if abs(exact * av.time_base - container.start_time) < 1:
                return exact
    return Fraction(container.start_time, av.time_base)


def starts_at_s(container: InputContainer, stream: Any) -> float | None:
    """When a stream begins, seconds on the container's clock; `None` where the file does not say."""
    origin = origin_s(container)
    if origin is None or stream.start_time is None or stream.time_base is None:
        return None
    return float(stream.start_time * stream.time_base - origin)


def stated_duration_s(container: InputContainer, stream: Any) -> float | None:
    """Seconds that a stream lasts by its header, else the whole file; `None` where neither is known.

    Where FFmpeg takes a restarted clock for one that has overflowed, it makes the file last 26 hours: nothing
    is known then.
    """
    stated = stream.duration * stream.time_base if stream.duration and stream.time_base else None
    lasts_s = float(stated) if stated else container_duration_s(container)
    if lasts_s is not None and lasts_s > HALF_WRAP_S and may_restart(container):
        return None
    return lasts_s


def may_restart(container: InputContainer) -> bool:
    """Whether files of the container can be joined byte by byte: transport and program streams, Matroska."""
    is_broadcast = container.format.flags & cast(int, FormatFlags.ts_discont.value)
    return bool(is_broadcast) or not stores_dts(container)


class SharedClock:
    """Puts the stamps of packets on one clock that never restarts; packets come from the file's start on.

    Args:
        container: the file, open.
        streams: all streams whose packets will come.
        joints: looks for restarts in the file; called once, at the first sign of one.
        ahead: look for them at once: the streams alone may not show all of them.
    """

    def __init__(
        self,
        container: InputContainer,
        streams: Iterable[Any],
        joints: Callable[[], Joints],
        *,
        ahead: bool = False,
    ) -> None:
        by_dts = stores_dts(container)
        self._watches = {
            each.index: StepWatch(each.time_base, by_dts=by_dts) for each in streams if each.time_base
        }
        self._counts = dict.fromkeys(self._watches, 0)
        self._find = joints
        self.joints: Joints | None = joints() if ahead else None

    def place(self, packet: Packet[Any]) -> bool:
        """Shift a packet's stamps.

        Returns:
            Whether `joints` has just become known.
        """
        index = packet.stream_index
        if not packet.size or index not in self._watches:
            return False
        number, self._counts[index] = self._counts[index], self._counts[index] + 1
        found = self.joints is None and self._watches[index].steps(packet)
        if found:
            self.joints = self._find()
        parts = self.joints.parts.get(index, ()) if self.joints is not None else ()
        passed = bisect_right(parts, number, key=lambda part: part[0])
        if passed and packet.time_base:
            ticks = round(parts[passed - 1][1] / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        return found

    def starts(self, stream: Any) -> Iterator[int]:
        """The ticks at which parts after the first begin in a stream, in order."""
        starts_s = self.joints.starts_s.get(stream.index, ()) if self.joints is not None else ()
        yield from (round(start_s / stream.time_base) for start_s in starts_s)
