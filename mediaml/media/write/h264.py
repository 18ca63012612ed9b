"""Encodes frames as H.264 that every browser plays, at the times that they have in the source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from mediaml.core.errors import MediaError
from mediaml.media.write.canvas import UNSPECIFIED, Canvas, Coloring

# Visually near the source at half the size of x264's default quality per time spent; see docs of x264.
# x264's code for special processors may encode the same frames differently from call to call (seen on
# two Xeon cores, one thread or many); cpu-independent=1 gives equal bytes and costs 3 % of time.
OPTIONS = {"crf": "20", "preset": "veryfast", "x264-params": "cpu-independent=1"}
# Large frames fill memory: above the first of these sizes x264 looks fewer frames ahead, above the second it
# also encodes fewer at once, none of them out of order. At 3840x2160 it takes 205 MiB instead of 475 MiB with
# the parameters for HD; files are 2 % larger than with a B-frame, which takes 50 MiB.
HD_PIXELS = 1280 * 720
HD_PARAMS = "rc-lookahead=2:sync-lookahead=0:bframes=1"
LARGE_PIXELS = 2560 * 1440
LARGE_PARAMS = "rc-lookahead=1:sync-lookahead=0:bframes=0"
KEYFRAME_EVERY_S = 4  # seeking in a browser decodes from the keyframe before
# What x264 writes depends on the number of its threads, so it is the same on every machine: a copy that was
# begun on one is ended on another. One thread holds a frame or two; drawing feeds no more than four.
THREADS = 4
LARGE_THREADS = 2
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
        """Ticks per second of MP4's movie header, fine enough for an exact delayed start of the video."""
        ticks = self.time_base.denominator
        while ticks < 10_000:
            ticks *= 2
        return ticks


def settings() -> str:
    """What decides, beside the frames, what the encoder writes: its settings and its version."""
    versions = [av.__version__, *map(str, av.library_versions["libavcodec"])]
    return json.dumps(
        [
            *(OPTIONS, KEYFRAME_EVERY_S, THREADS),
            *(HD_PIXELS, HD_PARAMS, LARGE_PIXELS, LARGE_PARAMS, LARGE_THREADS),
            versions,
        ],
        sort_keys=True,
    )


def _set(context: Any, canvas: Canvas, coloring: Coloring, clock: Clock) -> None:
    """Configure the encoder; equal settings give equal parameter sets."""
    context.width, context.height = canvas.padded_width, canvas.padded_height
    context.pix_fmt = "yuv420p"
    context.framerate = clock.rate
    context.time_base = clock.time_base
    context.sample_aspect_ratio = Fraction(1)
    context.gop_size = min(250, max(12, round(KEYFRAME_EVERY_S * clock.rate)))
    pixels = canvas.padded_width * canvas.padded_height
    context.thread_count = LARGE_THREADS if pixels > LARGE_PIXELS else THREADS
    context.flags |= Flags.frame_duration | Flags.global_header
    context.color_range = ColorRange.MPEG
    context.colorspace = coloring.code
    if coloring.primaries != UNSPECIFIED:
        context.color_primaries = coloring.primaries
    if coloring.transfer != UNSPECIFIED:
        context.color_trc = coloring.transfer
    options = dict(OPTIONS)
    if pixels > HD_PIXELS:
        options["x264-params"] += f":{LARGE_PARAMS if pixels > LARGE_PIXELS else HD_PARAMS}"
    context.options = options


def _missing(error: Exception) -> MediaError:
    return MediaError(
        f"This build of PyAV cannot write H.264: libx264 is missing ({error}).",
        "Install PyAV's own wheels: pip install --force-reinstall av",
    )


class H264Encoder:
    """Encodes one stretch of a video: a closed group of pictures that begins with a keyframe.

    Args:
        canvas: gives the size.
        coloring: tags of the stream.
        clock: of the source.

    Raises:
        MediaError: this build of FFmpeg has no libx264.
    """

    def __init__(self, canvas: Canvas, coloring: Coloring, clock: Clock) -> None:
        try:
            context = av.CodecContext.create("libx264", "w")
        except ValueError as error:
            raise _missing(error) from error
        self._context: VideoCodecContext = context
        _set(self._context, canvas, coloring, clock)
        self._context.open()
        self._clock = clock

    @property
    def parameter_sets(self) -> bytes:
        """SPS and PPS (ITU-T H.264, 7.3.2), in the byte stream format of its annex B."""
        return bytes(self._context.extradata or b"")

    def encode(self, frame: VideoFrame, pts: int, duration: int) -> Iterator[Packet[Any]]:
        """Packets that are done, in decoding order; `pts` and `duration` in ticks of the clock."""
        frame.pts = pts
        frame.time_base = self._clock.time_base
        frame.duration = duration
        yield from self._context.encode(frame)

    def flush(self) -> Iterator[Packet[Any]]:
        """The packets that the encoder still holds."""
        yield from self._context.encode(None)


class H264Track:
    """The video stream of an MP4 that is being written, for packets of `H264Encoder`.

    Args:
        output: open for writing.
        canvas, coloring, clock: as those of the encoder.

    Raises:
        MediaError: this build of FFmpeg has no libx264.
    """

    def __init__(self, output: OutputContainer, canvas: Canvas, coloring: Coloring, clock: Clock) -> None:
        try:
            stream: Any = output.add_stream("libx264", rate=clock.rate)
        except ValueError as error:
            raise _missing(error) from error
        self.stream = cast(VideoStream, stream)
        # An encoder that encodes nothing: it tells the container what the packets are, and the parameter
        # sets that all of them must have.
        _set(stream.codec_context, canvas, coloring, clock)
        stream.time_base = clock.time_base
        stream.codec_context.open()

    @property
    def parameter_sets(self) -> bytes:
        """See `H264Encoder.parameter_sets`."""
        return bytes(self.stream.codec_context.extradata or b"")
