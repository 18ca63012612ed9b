"""Videos as frames that know their time, in the size, turn and colours in which a person sees them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from mediaml.errors import MediaError
from mediaml.media.decode import Tally, decode
from mediaml.media.limits import Limits
from mediaml.media.open import (
    audio_stream,
    container_duration_s,
    no_decoder,
    open_container,
    video_stream,
)
from mediaml.media.orientation import ROTATION, UPRIGHT, orientation_of_matrix, oriented, swaps_sides
from mediaml.media.timeline import Stamp, Timeline
from mediaml.ops.fitting import Fitting, place
from mediaml.types import DecodeAccounts, Fit, Frame, Kind, MediaInfo, Resample, UInt8Array

FILTERS = {"bilinear": Interpolation.BILINEAR, "bicubic": Interpolation.BICUBIC}


class Scalers:
    """A pool of swscale contexts, which are costly to set up and serve one thread at a time."""

    def __init__(self) -> None:
        self._idle: list[VideoReformatter] = []

    def rgb(self, frame: VideoFrame, width: int, height: int, filter_: Interpolation) -> UInt8Array:
        """The frame scaled to uint8 RGB [height, width, 3], by the frame's own colour matrix and range.

        A frame that names no matrix is converted by BT.601 in limited range, as FFmpeg does.
        """
        try:
            scaler = self._idle.pop()
        except IndexError:
            scaler = VideoReformatter()
        scaled = scaler.reformat(
            frame, width, height, "rgb24", interpolation=filter_ | Interpolation.ACCURATE_RND, threads=1
        )
        self._idle.append(scaler)
        return cast(UInt8Array, scaled.to_ndarray())


@dataclass(frozen=True, slots=True, eq=False)
class VideoPixels:
    """The pixels of one decoded frame, kept as the decoder left them until someone asks.

    Attributes:
        frame: as decoded.
        width, height: pixels as displayed.
        orientation: from stored to displayed, see `mediaml.media.orientation`.
        scalers: shared by the frames of a reader.
    """

    frame: VideoFrame
    width: int
    height: int
    orientation: int
    scalers: Scalers
    lock: threading.Lock = field(default_factory=threading.Lock)

    def image(self) -> UInt8Array:
        """See `mediaml.types.Pixels`."""
        return self._scaled(self.width, self.height, Interpolation.BICUBIC)

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """See `mediaml.types.Pixels`; swscale goes from the decoder's planes to the content's size."""
        fitting = Fitting.of(self.width, self.height, width, height, fit)
        content = self._scaled(fitting.content_width, fitting.content_height, FILTERS[resample])
        return place(content, fitting, pad)

    def _scaled(self, width: int, height: int, filter_: Interpolation) -> UInt8Array:
        stored = (height, width) if swaps_sides(self.orientation) else (width, height)
        with self.lock:  # swscale reads the frame's tags, which PyAV changes for the time of a conversion.
            pixels = self.scalers.rgb(self.frame, *stored, filter_)
        return oriented(pixels, self.orientation)


def displayed_size(width: int, height: int, aspect: Fraction | None, orientation: int) -> tuple[int, int]:
    """Width and height as displayed; oblong pixels are made square by enlarging, so that nothing is lost.

    Args:
        width, height: stored pixels.
        aspect: width / height of one stored pixel; `None` or nonsense counts as square.
        orientation: from stored to displayed.
    """
    if aspect and aspect > 1:
        width = max(1, round(width * aspect))
    elif aspect and 0 < aspect < 1:
        height = max(1, round(height / aspect))
    return (height, width) if swaps_sides(orientation) else (width, height)


def orientation_of(frame: VideoFrame) -> int:
    """The orientation that the display matrix of a decoded frame asks for."""
    for data in cast(Iterable[SideData], frame.side_data):
        if data.type is Type.DISPLAYMATRIX:
            return orientation_of_matrix(bytes(data))
    return UPRIGHT


class VideoPass:
    """One pass over the video stream of a file: the open container and the decoder behind it."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self.container = open_container(path, limits)
        self.tally = Tally()
        try:
            self.stream = self._stream()
        except MediaError:
            self.container.close()
            raise
        self.tally.expected = self.stream.frames or None
        self._decoded = decode(self.container, self.stream, path, self.tally)
        self._first: VideoFrame | None = None

    def _stream(self) -> VideoStream:
        stream = video_stream(self.container)
        if stream is None:
            raise MediaError(f"{self.path} holds no video.", "Read it as what it is, sound for instance.")
        if stream.codec_context is None:
            raise no_decoder(self.path, stream)
        self.limits.check_size(self.path, stream.codec_context.width, stream.codec_context.height)
        stream.thread_type = "AUTO"
        if self.limits.pixels is not None:
            stream.codec_context.options = {"max_pixels": str(self.limits.pixels)}
        return stream

    def first(self) -> VideoFrame:
        """The first frame, without taking it from `decoded`; its side data say how the video is turned.

        Raises:
            MediaError: there is none.
        """
        if self._first is None:
            self._first = next(self._decoded, None)
        if self._first is None:
            raise MediaError(
                f"{self.path}: no frame of its video could be decoded.",
                "The file was cut off or damaged; copy it again from where it came.",
            )
        return self._first

    def decoded(self) -> Iterator[VideoFrame]:
        """The frames that can be decoded, in order of presentation."""
        yield self.first()
        self._first = None
        yield from self._decoded

    def seek(self, ticks: int) -> None:
        """Go to the keyframe at or before a tick of the stream; what was decoded is forgotten."""
        self._decoded.close()  # type: ignore[attr-defined]
        self._first = None
        self.container.seek(ticks, stream=self.stream, backward=True)
        self._decoded = decode(self.container, self.stream, self.path, self.tally)

    def info(self) -> MediaInfo:
        """What header and first frame say."""
        stream, frame = self.stream, self.first()
        orientation = orientation_of(frame)
        size = displayed_size(frame.width, frame.height, stream.sample_aspect_ratio, orientation)
        self.limits.check_size(self.path, *size)
        sound = audio_stream(self.container)
        duration = stream.duration
        return MediaInfo(
            path=str(self.path),
            kind=Kind.VIDEO,
            width=size[0],
            height=size[1],
            rotation=ROTATION[orientation],
            frame_rate=stream.average_rate or None,
            duration_s=float(duration * stream.time_base)
            if duration and stream.time_base
            else container_duration_s(self.container),
            sample_rate=sound.sample_rate or None if sound is not None else None,
            audio_tracks=len(self.container.streams.audio),
            header_frames=stream.frames or None,
            container=self.container.format.name,
            codec=stream.codec.canonical_name,
        )

    def close(self) -> None:
        """Let go of decoder and file; frames that were handed out keep their pixels."""
        self._decoded.close()  # type: ignore[attr-defined]
        self._first = None
        self.container.close()


class VideoReader:
    """Reads the first video stream of a file; see `mediaml.media.reader.Reader`."""

    def __init__(self, path: Path, *, limits: Limits = Limits()) -> None:  # noqa: B008
        self._path = path
        self._limits = limits
        self._scalers = Scalers()
        self._pass: VideoPass | None = VideoPass(path, limits)
        self._fresh = True
        self._closed = False
        try:
            self.info = self._pass.info()
        except MediaError:
            self.close()
            raise
        self._tally = self._pass.tally

    @property
    def accounts(self) -> DecodeAccounts:
        """See `Reader.accounts`."""
        return self._tally.accounts()

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """See `Reader.frames`; a start is reached from the keyframe before it."""
        if self._closed:
            raise ValueError(f"the reader of {self._path} is closed")
        run = self._begin()
        yield from self._frames(run, start_s)

    def _begin(self) -> VideoPass:
        """A pass from the start: the one that told the header, if nothing was taken from it yet."""
        if self._pass is None or not self._fresh:
            self._end()
            self._pass = VideoPass(self._path, self._limits)
            self._tally = self._pass.tally
        self._fresh = False
        return self._pass

    def _frames(self, run: VideoPass, start_s: float) -> Iterator[Frame]:
        stream = run.stream
        assert stream.time_base is not None
        timeline = Timeline(stream.time_base, stream.start_time, stream.average_rate)
        stamped = ((Stamp(frame.pts, frame.dts, frame.duration), frame) for frame in run.decoded())
        for index, (time_s, duration_s, frame) in enumerate(timeline.place(stamped, run.tally)):
            run.tally.decoded += 1
            if time_s < start_s:
                continue
            yield self._frame(index, time_s, duration_s, frame, stream.sample_aspect_ratio)

    def _frame(
        self, index: int, time_s: float, duration_s: float, frame: VideoFrame, aspect: Fraction | None
    ) -> Frame:
        orientation = orientation_of(frame)
        width, height = displayed_size(frame.width, frame.height, aspect, orientation)
        self._limits.check_size(self._path, width, height)
        pixels = VideoPixels(frame, width, height, orientation, self._scalers)
        return Frame(index, time_s, duration_s, self.info, width, height, pixels)

    def _end(self) -> None:
        if self._pass is not None:
            self._pass.close()
        self._pass = None

    def close(self) -> None:
        """See `Reader.close`."""
        self._closed = True
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
