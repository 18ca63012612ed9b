"""Frames to H.264 that every browser plays, at the times that they had in the source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from mediaml.errors import MediaError
from mediaml.media.canvas import UNSPECIFIED, Canvas, Coloring

# Visually near the source at half the size of x264's default quality per time spent; see docs of x264.
# x264's code for special processors may encode the same frames differently from call to call (seen on
# two Xeon cores, one thread or many); cpu-independent=1 gives equal bytes and costs 3 % of time.
OPTIONS = {"crf": "20", "preset": "veryfast", "x264-params": "cpu-independent=1"}
KEYFRAME_EVERY_S = 4  # seeking in a browser decodes from the keyframe before
MOST_THREADS = 12  # each holds frames in memory; more of them hardly speed x264 up below 4K
FINEST_TICK = Fraction(1, 2**31 - 1)  # MP4 counts ticks per second in 32 bits
MPEG_TICK = Fraction(1, 90_000)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time base of the written video, and where the source's timeline lies on it.

    Attributes:
        time_base: seconds of one tick; that of the source wherever MP4 can hold it, so that times are exact.
        rate: frames per second on average, a hint.
    """

    time_base: Fraction
    rate: Fraction

    @classmethod
    def of(cls, stream: VideoStream) -> Clock:
        """The clock of a source's stream."""
        time_base = stream.time_base or MPEG_TICK
        return cls(time_base if time_base >= FINEST_TICK else MPEG_TICK, stream.average_rate or Fraction(25))

    @property
    def movie_timescale(self) -> int:
        """Ticks a second of MP4's movie header, fine enough for a delayed start of the video to be exact."""
        ticks = self.time_base.denominator
        while ticks < 10_000:
            ticks *= 2
        return ticks


class H264Track:
    """The video stream of an MP4 that is being written.

    Args:
        output: open for writing.
        canvas: gives the size.
        coloring: tags of the stream.
        clock: of the source.
        threads: of the encoder; `None` for one per core, 12 at most.

    Raises:
        MediaError: this build of FFmpeg has no libx264.
    """

    def __init__(
        self,
        output: OutputContainer,
        canvas: Canvas,
        coloring: Coloring,
        clock: Clock,
        threads: int | None,
    ) -> None:
        try:
            stream: Any = output.add_stream("libx264", rate=clock.rate, options=dict(OPTIONS))
        except ValueError as error:
            raise MediaError(
                "This build of PyAV cannot write H.264: libx264 is missing.",
                "Install PyAV's own wheels: pip install --force-reinstall av",
            ) from error
        self.stream = cast(VideoStream, stream)
        context = self.stream.codec_context
        context.width, context.height = canvas.padded_width, canvas.padded_height
        context.pix_fmt = "yuv420p"
        context.time_base = clock.time_base
        stream.time_base = clock.time_base
        context.sample_aspect_ratio = Fraction(1)
        context.gop_size = min(250, max(12, round(KEYFRAME_EVERY_S * clock.rate)))
        context.thread_count = min(MOST_THREADS, threads or os.cpu_count() or 1)
        context.flags |= Flags.frame_duration
        context.color_range = ColorRange.MPEG
        context.colorspace = coloring.code
        if coloring.primaries != UNSPECIFIED:
            context.color_primaries = coloring.primaries
        if coloring.transfer != UNSPECIFIED:
            context.color_trc = coloring.transfer
        self._clock = clock
        self._first: tuple[int, int] | None = None
        self._end = 0

    def encode(self, frame: VideoFrame, pts: int, duration: int) -> Iterator[Packet[Any]]:
        """Packets that are done, in decoding order; `pts` and `duration` in ticks of the clock."""
        frame.pts = pts
        frame.time_base = self._clock.time_base
        frame.duration = duration
        self._end = pts + duration
        for packet in self.stream.encode_lazy(frame):
            yield self._noted(packet)

    def flush(self) -> Iterator[Packet[Any]]:
        """The packets that the encoder still holds; the last one makes the stream as long as its frames.

        MP4 takes a stream's length from decoding times. They run ahead of presentation by the delay of the
        first frame, so the last packet gets what that takes from the end.
        """
        last: Packet[Any] | None = None
        for packet in self.stream.encode_lazy(None):
            if last is not None:
                yield last
            last = self._noted(packet)
        if last is not None and self._first is not None and last.pts is not None and last.dts is not None:
            first_pts, first_dts = self._first
            left = (self._end - first_pts) - (last.dts - first_dts)
            last.duration = max(1, min(left, self._end - last.pts))
            yield last

    def _noted(self, packet: Packet[Any]) -> Packet[Any]:
        if self._first is None and packet.pts is not None and packet.dts is not None:
            self._first = packet.pts, packet.dts
        return packet
