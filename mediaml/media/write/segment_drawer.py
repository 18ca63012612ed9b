"""Draws one slice of a video into a segment: frames as displayed, with boxes, encoded by themselves."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import av
from av.packet import Packet
from av.video.frame import VideoFrame

from mediaml.core.arrays import UInt8Array
from mediaml.core.atomic_file import atomic_path, writing
from mediaml.core.errors import MediaError
from mediaml.core.frame import Frame
from mediaml.core.location import Location
from mediaml.media.limits import Limits
from mediaml.media.video.pixels import VideoPixels
from mediaml.media.video.slices import VideoSlices
from mediaml.media.write.canvas import planes_of_frame
from mediaml.media.write.h264 import H264Encoder, settings
from mediaml.media.write.segment_file import VERSION, Segment, SegmentFile, Unit
from mediaml.ops.drawing import Overlay, Painter
from mediaml.ops.fitting import Fitting
from mediaml.ops.look import Look
from mediaml.ops.surface import YuvSurface

# To be raised whenever the same frames and answers are drawn differently.
DRAWING = 3


def drawing_settings() -> str:
    """What decides, beside source and answers, what a segment holds; it differs between versions."""
    return json.dumps([DRAWING, VERSION, settings()])


class SegmentDrawer(AbstractContextManager["SegmentDrawer"]):
    """Draws slices of one video. In order, they cost one pass over it; belongs to one thread.

    Args:
        source: a video.
        limits: the limits on it.
        slice_s: length of a slice, seconds of the source's time; infinite, all of it is slice 0.
        pictures: what to show in place of a frame (uint8 RGB [H, W, 3], stretched to the copy's size),
            `None` for the frame itself.
        size: width and height of the pictures; see `Layout.sized`.
        look: how results are drawn.

    Attributes:
        slices: the source's frames, and the layout of its copy.

    Raises:
        MediaError: the source holds no video that can be read.
    """

    def __init__(
        self,
        source: Location,
        limits: Limits,
        *,
        slice_s: float,
        pictures: Callable[[Frame], UInt8Array | None] | None = None,
        size: tuple[int, int] | None = None,
        look: Look = Look(),  # noqa: B008
    ) -> None:
        self.slices = VideoSlices(source, limits, slice_s=slice_s, from_rgb=pictures is not None, size=size)
        self._pictures = pictures
        self._canvas = self.slices.layout.canvas()
        self._painter = Painter(self._canvas.width, self._canvas.height, look)

    def close(self) -> None:
        """Close the source."""
        self.slices.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def draw(
        self,
        file: SegmentFile,
        answers: Callable[[Frame], Overlay],
        *,
        fingerprint: Callable[[list[tuple[float, float]]], str],
        from_start: bool = False,
    ) -> Segment:
        """Draw the slice that a file is for.

        Args:
            file: the segment to write; it is there when it is whole. Its folder is made.
            answers: what to draw on a frame of the slice; called once per frame, in order. Boxes are in
                displayed pixels of that frame. What it raises ends the drawing and leaves no file.
            fingerprint: of what was drawn, from times and durations of its frames.
            from_start: see `VideoSlices.frames`.

        Raises:
            MediaError: the source cannot be read to the end of the slice, or the file cannot be written.
        """
        file.remove()
        layout = self.slices.layout
        with atomic_path(file.stream, error=MediaError) as part:
            encoder = H264Encoder(self._canvas, layout.coloring, layout.clock)
            with closing(SegmentWriter(file.stream, part, encoder)) as drawing:
                for frame in self.slices.frames(file.number, from_start=from_start):
                    self._add(drawing, frame, answers(frame))
                drawing.flush()
                following = self.slices.following
        segment = drawing.segment(fingerprint(drawing.frames), following)
        file.write_record(segment)
        return segment

    def _add(self, drawing: SegmentWriter, frame: Frame, overlay: Overlay) -> None:
        drawing.frames.append((frame.time_s, frame.duration_s))
        pts, duration = self.slices.layout.ticks(frame)
        if drawing.last_pts is not None and pts <= drawing.last_pts:
            drawing.crowded += 1
            return
        pixels = cast(VideoPixels, frame.pixels)
        picture = None if self._pictures is None else self._pictures(frame)
        fitting = self._canvas.fitting(frame.width, frame.height)
        if picture is None:
            copy = self._canvas.copy(pixels.frame, pixels.orientation, fitting)
        else:
            copy = self._canvas.paint(picture)
            fitting = Fitting.of(
                frame.width, frame.height, self._canvas.width, self._canvas.height, "stretch"
            )
        self._painter.draw(
            YuvSurface(planes_of_frame(copy), self.slices.layout.coloring.matrix),
            _placed(overlay, fitting),
        )
        drawing.encode(copy, pts, duration)


def _placed(overlay: Overlay, fitting: Fitting) -> Overlay:
    """Boxes of a frame on the canvas that the frame was fitted to."""
    x, y = fitting.content_width / fitting.source_width, fitting.content_height / fitting.source_height
    left, top = fitting.offset_x, fitting.offset_y
    return overlay if (x, y, left, top) == (1, 1, 0, 0) else overlay.placed(x, y, left, top)


class SegmentWriter:
    """One segment that is being drawn."""

    def __init__(self, target: Path, part: Path, encoder: H264Encoder) -> None:
        self._writing = partial(writing, target, error=MediaError, also=(av.FFmpegError,))
        self._encoder = encoder
        self._units: list[Unit] = []
        self.frames: list[tuple[float, float]] = []
        self.crowded = 0
        self.last_pts: int | None = None
        with self._writing():
            self._file: IO[bytes] = part.open("wb")
            self._checksum = zlib.crc32(encoder.parameter_sets)
            self._file.write(encoder.parameter_sets)

    def encode(self, copy: VideoFrame, pts: int, duration: int) -> None:
        """Give a drawn frame to the encoder."""
        self.last_pts = pts
        with self._writing():
            self._take(self._encoder.encode(copy, pts, duration))

    def flush(self) -> None:
        """Write what the encoder still holds."""
        with self._writing():
            self._take(self._encoder.flush())
            self._file.close()

    def _take(self, packets: Iterator[Packet[Any]]) -> None:
        for packet in packets:
            data = bytes(packet)
            self._file.write(data)
            self._checksum = zlib.crc32(data, self._checksum)
            assert packet.pts is not None
            self._units.append(Unit(len(data), packet.pts, packet.duration or 0, packet.is_keyframe))

    def segment(self, fingerprint: str, following: int | None) -> Segment:
        """The record of what was drawn."""
        return Segment(
            fingerprint,
            following,
            self.frames,
            self._units,
            self._encoder.parameter_sets.hex(),
            self.crowded,
            self._checksum,
        )

    def close(self) -> None:
        """Close the file, however far it is."""
        with suppress(OSError):
            self._file.close()
