"""Cuts a part out of a video or audio file: packets as they are from a keyframe on, or encoded exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any, cast

import av
from av.container import InputContainer
from av.packet import Packet

from mediaml.core.atomic_file import atomic_path, writing
from mediaml.core.errors import MediaError
from mediaml.core.location import Location
from mediaml.media.clock import origin_s
from mediaml.media.frames_at import SLACK_S
from mediaml.media.limits import Limits
from mediaml.media.open import open_container, translated, video_stream
from mediaml.media.video.pixels import VideoPixels
from mediaml.media.video.reader import VideoReader
from mediaml.media.write.h264 import H264Encoder
from mediaml.media.write.join import join_segments
from mediaml.media.write.layout import Layout
from mediaml.media.write.segment_drawer import SegmentWriter
from mediaml.media.write.segment_file import SegmentFile
from mediaml.media.write.side_streams import KeptStreams

# How much earlier to look for a keyframe where the first seek comes out behind the start.
_EARLIER_S = (0, 2, 10, 60)
_MUXERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".mka": "matroska"}


@dataclass(frozen=True, slots=True)
class Clip:
    """What was cut, in seconds of the source.

    Attributes:
        start_s: of its first frame. end_s: where it was to end; a few more frames may follow.
    """

    start_s: float
    end_s: float


def clip_suffix(source: Location, *, has_video: bool, exact: bool) -> str:
    """The suffix of clips of a source: its own where that holds any stream as it is, else Matroska."""
    if not has_video:
        return ".mka"
    suffix = PurePath(source.name).suffix.lower()
    if exact or suffix in (".mp4", ".m4v"):
        return ".mp4"
    return ".mov" if suffix == ".mov" else ".mkv"


def copy_clip(
    source: Location,
    target: Path,
    start_s: float,
    end_s: float,
    *,
    limits: Limits = Limits(),  # noqa: B008
) -> Clip:
    """Copy the packets of video and audio from the last keyframe at or before a time, up to another.

    Args:
        source: a video or audio file.
        target: with a suffix from `clip_suffix`; it appears when it is whole. Folders are made.
        start_s, end_s: seconds on the source's clock, as in the ledger.
        limits: the limits on the source.

    Raises:
        MediaError: the source cannot be read, or its streams cannot be written as they are.
    """
    with closing(open_container(source, limits)) as container, atomic_path(target, error=MediaError) as part:
        write = partial(writing, target, error=MediaError, also=(av.FFmpegError, ValueError))
        with write():
            output = av.open(f"file:{part}", "w", format=_MUXERS[target.suffix])
        try:
            cut = _Cut(container, source, Fraction(start_s), Fraction(end_s))
            streams = {}
            with write(hint="--exact encodes its streams again."):
                for stream in cut.streams:
                    streams[stream.index] = output.add_stream_from_template(stream, opaque=True)
                output.start_encoding()
            for packet in cut.packets():
                packet.stream = streams[packet.stream_index]
                with write():
                    output.mux(packet)
            with write():
                output.close()
        finally:
            with suppress(av.FFmpegError, OSError, ValueError):
                output.close()
        return Clip(float(cut.start_s), end_s)


class _Cut:
    """The packets of a part of a file, with times from its start.

    Attributes:
        streams: the video that is shown and all audio.
        start_s: seconds of the source's clock at which the part begins.
    """

    def __init__(self, container: InputContainer, path: Location, start_s: Fraction, end_s: Fraction) -> None:
        self._container, self._path = container, path
        self._origin_s = origin_s(container) or Fraction(0)
        self._end_s = end_s
        self._video = video_stream(container)
        self.streams: list[Any] = [*([self._video] if self._video else []), *container.streams.audio]
        if not self.streams:
            raise MediaError(f"{path} has no video or audio to cut.")
        self.start_s = start_s if self._video is None else self._keyframe(start_s)

    def packets(self) -> Iterator[Packet[Any]]:
        """The packets in the order of the file."""
        self._seek(self.start_s)
        over: set[int] = set()
        begun = self._video is None
        for packet in self._demux():
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None or packet.size == 0 or packet.stream_index in over:
                continue
            shown_s = self._shown_s(packet, stamp)
            first = self._shown_s(packet, packet.dts if packet.dts is not None else stamp)
            is_video = self._video is not None and packet.stream_index == self._video.index
            if is_video and not begun:
                begun = packet.is_keyframe and shown_s >= self.start_s
            if first >= self._end_s:
                over.add(packet.stream_index)
                if len(over) == len(self.streams):
                    return
            elif begun if is_video else shown_s >= self.start_s:
                yield self._moved(packet)

    def _keyframe(self, start_s: Fraction) -> Fraction:
        """The time of the last keyframe that is shown at or before a time; else of the first one."""
        assert self._video is not None
        for earlier in _EARLIER_S:
            found: Fraction | None = None
            self._seek(max(Fraction(0), start_s - earlier))
            for packet in self._demux(self._video):
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is None or not packet.is_keyframe:
                    continue
                shown_s = self._shown_s(packet, stamp)
                if found is not None and shown_s > start_s + Fraction(SLACK_S):
                    break
                found = shown_s
            if found is not None and (found <= start_s + Fraction(SLACK_S) or start_s <= earlier):
                return found
        raise MediaError(f"{self._path} has no keyframe before {float(start_s):.3f} s.", "Use --exact.")

    def _seek(self, time_s: Fraction) -> None:
        stream = self.streams[0]
        try:
            self._container.seek(int((time_s + self._origin_s) / stream.time_base), stream=stream)
        except av.FFmpegError as error:
            raise translated(error, self._path, "read") from error

    def _demux(self, *streams: Any) -> Iterator[Packet[Any]]:
        try:
            yield from self._container.demux(list(streams) or self.streams)
        except av.FFmpegError as error:
            raise translated(error, self._path, "read to its end") from error

    def _shown_s(self, packet: Packet[Any], stamp: int) -> Fraction:
        return Fraction(stamp * packet.time_base) - self._origin_s

    def _moved(self, packet: Packet[Any]) -> Packet[Any]:
        ticks = round((self.start_s + self._origin_s) / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - ticks
        packet.dts = None if packet.dts is None else packet.dts - ticks
        return packet


def encode_clip(
    source: Location,
    target: Path,
    start_s: float,
    end_s: float,
    *,
    limits: Limits = Limits(),  # noqa: B008
) -> Clip:
    """Encode the frames of a video from one time up to another as H.264 in MP4, with its audio.

    Audio that MP4 holds is copied, cut between its packets (10 to 100 ms).

    Args:
        source: a video. target: it appears when it is whole. Folders are made.
        start_s, end_s: seconds on the source's clock, as in the ledger.
        limits: the limits on the source.

    Raises:
        MediaError: the source cannot be read, has no frame then, or the target cannot be written.
    """
    with VideoReader(source, limits=limits) as reader, TemporaryDirectory(prefix="mediaml-") as folder:
        layout = Layout.of(reader.beginning(), from_rgb=False)
        file = SegmentFile(Path(folder), 0)
        first_s = _encode(reader, layout, file, start_s, end_s)
        first = round(Fraction(first_s) / layout.clock.time_base) * layout.clock.time_base
        layout = replace(
            layout, start=0, shift_s=layout.shift_s - layout.start * layout.clock.time_base - first
        )
        kept = KeptStreams(end_s=Fraction(end_s) - first)
        join_segments(source, target, layout, [file], limits=limits, kept=kept)
    return Clip(first_s, end_s)


def _encode(reader: VideoReader, layout: Layout, file: SegmentFile, start_s: float, end_s: float) -> float:
    """Write the frames of a part as a segment that begins at 0; returns the time of the first."""
    canvas = layout.canvas()
    first: tuple[float, int] | None = None
    encoder = H264Encoder(canvas, layout.coloring, layout.clock)
    with closing(SegmentWriter(file.stream, file.stream, encoder)) as writer:
        for frame in reader.frames(max(0.0, start_s - SLACK_S)):
            if frame.time_s >= end_s:
                break
            pts, duration = layout.ticks(frame)
            first = first or (frame.time_s, pts)
            if writer.last_pts is not None and pts - first[1] <= writer.last_pts:
                continue
            pixels = cast(VideoPixels, frame.pixels)
            copy = canvas.copy(pixels.frame, pixels.orientation, canvas.fitting(frame.width, frame.height))
            writer.encode(copy, pts - first[1], duration)
        writer.flush()
        file.write_record(writer.segment("", None))
    if first is None:
        raise MediaError(f"{file.stream}: there is no frame from {start_s:.3f} to {end_s:.3f} s.")
    return first[0]
