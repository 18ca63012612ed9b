"""Joins the segments of an annotated video, and its audio and subtitles, into one MP4: a remux.

Video is not encoded again. Every packet keeps the time at which it is shown; decoding times are recomputed
across the joints, because MP4 requires that they increase strictly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet

from mediaml.core.atomic_file import atomic_path, writing
from mediaml.core.errors import MediaError
from mediaml.core.location import Location
from mediaml.media.annotated_mark import VIDEO_TAGS
from mediaml.media.limits import Limits
from mediaml.media.write.h264 import H264Track
from mediaml.media.write.layout import Layout
from mediaml.media.write.segment_file import BrokenSegmentError, Segment, SegmentFile, Unit
from mediaml.media.write.side_streams import KeptStreams, SideStreams

# The moov box comes first, so that a browser can start before it has the whole file; streams that are far
# apart in time wait for each other for 1 s at most.
MUXING = {"movflags": "+faststart", "max_interleave_delta": "1000000"}


@dataclass(frozen=True, slots=True)
class WriteAccounts:
    """What came of writing an annotated video.

    Attributes:
        frames: frames written.
        seconds: end of the last frame on the written timeline.
        audio_copied, audio_encoded: audio streams copied as they are, and re-encoded as AAC.
        dropped: what is missing from the copy and why, one sentence each.
        subtitles: subtitle streams kept.
    """

    frames: int
    seconds: float
    audio_copied: int
    audio_encoded: int
    dropped: tuple[str, ...] = ()
    subtitles: int = 0


@dataclass(frozen=True, slots=True)
class _Course:
    """What has to be known of all packets before the first is written.

    Attributes:
        frames: packets in all. crowded: frames that are in no segment.
        delay: packets by which decoding is ahead of showing.
        head: ticks at which the first `delay` + 1 packets are shown, in order.
        end: tick at which the last frame ends.
    """

    frames: int
    crowded: int
    delay: int
    head: tuple[int, ...]
    end: int

    @classmethod
    def of(cls, segments: Callable[[], Iterator[Segment]]) -> _Course:
        frames = crowded = delay = end = 0
        for segment in segments():
            frames += len(segment.units)
            crowded += segment.crowded
            delay = max(delay, segment.delay)
            end = max(end, *(unit.pts + unit.duration for unit in segment.units))
        delay = min(delay, max(0, frames - 1))
        shown = chain.from_iterable(_shown(segment) for segment in segments())
        return cls(frames, crowded, delay, tuple(islice(shown, delay + 1)), end)


def _shown(segment: Segment) -> list[int]:
    """Ticks at which a segment's packets are shown, in order."""
    return sorted(unit.pts for unit in segment.units)


def join_segments(
    source: Location,
    target: Path,
    layout: Layout,
    files: Sequence[SegmentFile],
    *,
    limits: Limits = Limits(),  # noqa: B008
    check: Callable[[], None] = lambda: None,
    kept: KeptStreams = KeptStreams(),  # noqa: B008
) -> WriteAccounts:
    """Write an annotated video from all its segments, with audio, subtitles and chapters of the source.

    Args:
        source: the video that was drawn on.
        target: the MP4 to write; it appears when it is whole. Folders are made.
        layout: of the copy.
        files: the segments, in order.
        limits: the limits on the source.
        check: called once per video packet; what it raises ends the writing and leaves no file.
        kept: what is kept of the source's other streams.

    Raises:
        BrokenSegmentError: a segment is damaged or was drawn with another encoder.
        MediaError: the source cannot be read, no frame was drawn, or the target cannot be written.
    """
    course = _Course.of(lambda: map(_read, files))
    if not course.frames:
        raise MediaError(f"{source}: no frame could be decoded.")
    with (
        closing(SideStreams(source, limits, kept)) as side_streams,
        atomic_path(target, error=MediaError, durable=True) as part,
    ):
        joint = _Joint(target, part, side_streams, layout, course)
        try:
            for file in files:
                for packet in joint.timed(file, _read(file)):
                    check()
                    joint.write(packet)
            return joint.finish()
        except BaseException:
            joint.abandon()
            raise


def _read(file: SegmentFile) -> Segment:
    segment = file.read()
    if segment is None:
        raise BrokenSegmentError(file.number)
    return segment


class _Joint:
    """One annotated video that is being joined."""

    def __init__(
        self, target: Path, part: Path, side_streams: SideStreams, layout: Layout, course: _Course
    ) -> None:
        self._writing = partial(writing, target, error=MediaError, also=(av.FFmpegError,))
        self._side_streams = side_streams
        self._layout = layout
        self._course = course
        self._count = 0
        # The last ticks that are not yet used as decoding times.
        self._pending: deque[int] = deque()
        options = MUXING | {"movie_timescale": str(layout.clock.movie_timescale)}
        with self._writing():
            self._output: OutputContainer = av.open(
                f"file:{part}", "w", format="mp4", container_options=options
            )
            self._track = H264Track(self._output, layout.canvas(), layout.coloring, layout.clock)
            self._track.stream.metadata.update(side_streams.kept.tags_of(layout.tags))
            side_streams.board(self._output, layout.stream, layout.shift_s)
            self._output.metadata.update(VIDEO_TAGS)

    def timed(self, file: SegmentFile, segment: Segment) -> Iterator[Packet[Any]]:
        """The packets of a segment with all their times.

        The decoding time of a packet is the time at which the packet `delay` places before it in the order of
        showing is shown; before the first of them, times run back by as much (as x264 does itself).
        """
        if bytes.fromhex(segment.parameter_sets) != self._track.parameter_sets:
            raise BrokenSegmentError(file.number)
        self._pending.extend(_shown(segment))
        head, delay = self._course.head, self._course.delay
        for unit, data in zip(segment.units, file.packets(segment), strict=True):
            if self._count < delay:
                dts = head[self._count] - (head[delay] - head[0])
            else:
                dts = self._pending.popleft()
            if self._count == self._course.frames - 1:
                # After a long gap, decoding times would end before the last frame is shown.
                dts = max(dts, unit.pts - (head[delay] - head[0]))
            packet = Packet(data)
            packet.stream = self._track.stream
            packet.time_base = self._layout.clock.time_base
            packet.pts, packet.dts, packet.is_keyframe = unit.pts, dts, unit.key
            packet.duration = self._duration(unit, dts)
            self._count += 1
            yield packet

    def _duration(self, unit: Unit, dts: int) -> int:
        """How long a packet lasts; the last one makes the stream as long as its frames.

        MP4 takes a stream's length from decoding times. They run ahead of presentation by the delay of the
        first frame, so the last packet gets what that takes from the end.
        """
        if self._count < self._course.frames - 1:
            return unit.duration
        head, delay, end = self._course.head, self._course.delay, self._course.end
        left = end - head[0] - (dts - head[0] + head[delay] - head[0])
        return max(1, min(left, end - unit.pts))

    def write(self, packet: Packet[Any]) -> None:
        """Write a packet of the video after everything that comes before it in time."""
        assert packet.dts is not None
        with self._writing():
            for other in self._side_streams.until(packet.dts * packet.time_base):
                self._output.mux(other)
            self._output.mux(packet)

    def finish(self) -> WriteAccounts:
        """Write what is left and the index."""
        with self._writing():
            for packet in self._side_streams.until(None):
                self._output.mux(packet)
            self._output.close()
        return WriteAccounts(
            frames=self._course.frames,
            seconds=float(self._course.end * self._layout.clock.time_base),
            audio_copied=self._side_streams.audio_copied,
            audio_encoded=self._side_streams.audio_encoded,
            dropped=tuple(self._dropped()),
            subtitles=self._side_streams.subtitles,
        )

    def _dropped(self) -> Iterator[str]:
        yield from self._side_streams.dropped
        yield from self._side_streams.losses()
        if self._course.crowded:
            yield f"{self._course.crowded} frames at the same time as the one before are not in the copy"

    def abandon(self) -> None:
        """Close the output after an error, which is the one to report."""
        with suppress(av.FFmpegError, OSError):
            self._output.close()
