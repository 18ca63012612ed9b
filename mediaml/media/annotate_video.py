"""A video and what models said of it, as one MP4: the source plus boxes.

Pictures come from the reader, so that indices and times are those of the answers; sound and subtitles come
from a second demuxer over the same file. Both are written side by side, so memory does not grow with length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.container import InputContainer, OutputContainer
from av.format import Flags as FormatFlags
from av.packet import Packet
from av.video.frame import VideoFrame

from mediaml.errors import MediaError
from mediaml.media.atomic import whole_file, writing
from mediaml.media.canvas import Canvas, Coloring, planes_of_frame
from mediaml.media.h264 import Clock, H264Track
from mediaml.media.limits import Limits
from mediaml.media.open import video_stream
from mediaml.media.passengers import Passengers, copy_tags
from mediaml.media.video import VideoReader
from mediaml.media.video_pixels import VideoPixels
from mediaml.ops.drawing import Overlay, Painter, YuvSurface
from mediaml.types import Frame, UInt8Array

# The moov box comes first, so that a browser can start before it has the whole file; streams that are far
# apart in time wait for each other for 1 s at most.
MUXING = {"movflags": "+faststart", "max_interleave_delta": "1000000"}


@dataclass(frozen=True, slots=True)
class WriteAccounts:
    """What came of writing an annotated video.

    Attributes:
        frames: frames written.
        seconds: end of the last frame on the written timeline.
        audio_copied, audio_encoded: sound streams taken over as they are, and encoded anew as AAC.
        dropped: what is missing from the copy and why, one sentence each, for the person who asked for it.
        subtitles: subtitle streams kept.
    """

    frames: int
    seconds: float
    audio_copied: int
    audio_encoded: int
    dropped: tuple[str, ...] = ()
    subtitles: int = 0


def write_annotated_video(
    source: Path,
    target: Path,
    answers: Callable[[int], Overlay],
    *,
    pictures: Callable[[int], UInt8Array | None] | None = None,
    limits: Limits = Limits(),  # noqa: B008
    threads: int | None = None,
) -> WriteAccounts:
    """Write the first video of a file, as displayed and with boxes drawn, with all sound and subtitles.

    H.264 yuv420p in limited range and the source's colour matrix, in MP4 with its index first; times are
    the source's (those of transport streams start at 0), also where they vary. Rotation and oblong pixels
    are baked in; an odd size gets one more column or row at the right or bottom.

    Args:
        source: a video.
        target: the MP4 to write; it appears when it is whole. Folders are made.
        answers: what to draw on the frame of an index, as `VideoReader` counts; called once a frame, in
            order. Boxes are in displayed pixels of that frame.
        pictures: what to show in place of the frame of an index (uint8 RGB [H, W, 3], stretched to the
            video's size), `None` for the frame itself.
        limits: what the source may ask of the machine.
        threads: of the encoder; `None` for one per core, 12 at most.

    Raises:
        MediaError: the source holds no video that can be read, or the target cannot be written.
    """
    with (
        VideoReader(source, limits=limits) as reader,
        closing(Passengers(source, limits)) as passengers,
        whole_file(target) as part,
    ):
        job = _Writing(target, part, passengers, answers, pictures, threads)
        try:
            for frame in reader.frames():
                job.add(frame)
            return job.finish()
        except BaseException:
            job.abandon()
            raise


class _Writing:
    """One annotated video that is being written."""

    def __init__(
        self,
        target: Path,
        part: Path,
        passengers: Passengers,
        answers: Callable[[int], Overlay],
        pictures: Callable[[int], UInt8Array | None] | None,
        threads: int | None,
    ) -> None:
        self._target, self._part = target, part
        self._passengers = passengers
        self._answers, self._pictures = answers, pictures
        self._threads = threads
        self._output: OutputContainer | None = None
        self._frames = self._crowded = 0
        self._last_pts: int | None = None
        self._end = 0

    def add(self, frame: Frame) -> None:
        """Draw on a frame and give it to the encoder."""
        pixels = cast(VideoPixels, frame.pixels)
        if self._output is None:
            self._begin(frame, pixels.frame)
        picture = None if self._pictures is None else self._pictures(frame.index)
        overlay = self._answers(frame.index)
        pts = self._start + round(Fraction(frame.time_s) / self._clock.time_base)
        if self._last_pts is not None and pts <= self._last_pts:
            self._crowded += 1
            return
        if picture is None:
            copy = self._canvas.copy(pixels.frame, pixels.orientation)
        else:
            copy = self._canvas.paint(picture)
        scale = self._canvas.width / frame.width, self._canvas.height / frame.height
        self._painter.draw(
            YuvSurface(planes_of_frame(copy), self._coloring.matrix),
            overlay if scale == (1, 1) else overlay.scaled(*scale),
        )
        duration = max(1, round(Fraction(frame.duration_s) / self._clock.time_base))
        with writing(self._target):
            for packet in self._video.encode(copy, pts, duration):
                self._mux(packet)
        self._frames += 1
        self._last_pts, self._end = pts, pts + duration

    def _begin(self, frame: Frame, decoded: VideoFrame) -> None:
        """Open the output and lay out its streams, as the first frame asks for."""
        stream = video_stream(self._passengers.container)
        if stream is None:
            raise MediaError(f"{self._passengers.container.name} holds no video.", "Name a video.")
        self._coloring = Coloring.of(decoded, from_rgb=self._pictures is not None)
        self._canvas = Canvas(frame.width, frame.height, self._coloring)
        self._painter = Painter(frame.width, frame.height)
        self._clock = Clock.of(stream)
        first = stream.start_time if stream.start_time is not None else decoded.pts or 0
        start_s = first * (stream.time_base or self._clock.time_base)
        shift_s = _shift(self._passengers.container, start_s + Fraction(frame.time_s))
        self._start = round((start_s + shift_s) / self._clock.time_base)
        options = MUXING | {"movie_timescale": str(self._clock.movie_timescale)}
        with writing(self._target):
            self._output = av.open(f"file:{self._part}", "w", format="mp4", container_options=options)
            self._video = H264Track(self._output, self._canvas, self._coloring, self._clock, self._threads)
            copy_tags(stream, self._video.stream)
            self._passengers.board(self._output, stream.index, shift_s)

    def _mux(self, packet: Packet[Any]) -> None:
        """Write a packet of the video after everything that comes before it in time."""
        assert self._output is not None
        time_s = Fraction(packet.dts or 0) * packet.time_base
        for other in self._passengers.until(time_s):
            self._output.mux(other)
        self._output.mux(packet)

    def finish(self) -> WriteAccounts:
        """Write what is left and the index."""
        if self._output is None:
            raise MediaError(f"{self._passengers.container.name}: no frame could be decoded.")
        with writing(self._target):
            for packet in self._video.flush():
                self._mux(packet)
            for packet in self._passengers.until(None):
                self._output.mux(packet)
            self._output.close()
        return WriteAccounts(
            frames=self._frames,
            seconds=float(self._end * self._clock.time_base),
            audio_copied=self._passengers.audio_copied,
            audio_encoded=self._passengers.audio_encoded,
            dropped=tuple(self._dropped()),
            subtitles=self._passengers.subtitles,
        )

    def _dropped(self) -> Iterator[str]:
        yield from self._passengers.dropped
        yield from self._passengers.losses()
        if self._crowded:
            yield f"{self._crowded} frames at the same time as the one before are not in the copy"

    def abandon(self) -> None:
        """Let go of the output after an error, which is the one to tell."""
        if self._output is not None:
            with suppress(av.FFmpegError, OSError):
                self._output.close()


def _shift(container: InputContainer, start_s: Fraction) -> Fraction:
    """Seconds to add to all times of a file.

    Clocks of broadcasts (transport and program streams) start anywhere: their file is to start at 0. Else
    only a picture before 0 moves a file, for MP4 begins at 0.

    Args:
        container: the source.
        start_s: time of its first picture.
    """
    if container.format.flags & cast(int, FormatFlags.ts_discont.value) and container.start_time is not None:
        return -Fraction(container.start_time, av.time_base)
    return max(Fraction(0), -start_s)
