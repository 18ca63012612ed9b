"""One pass over the video of a file, from its start or from a keyframe on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mediaml.core.errors import MediaError
from mediaml.core.location import Location
from mediaml.core.media import Kind, MediaInfo
from mediaml.media.clock import origin_s, starts_at_s, stated_duration_s
from mediaml.media.decode import Decoding, Tally, first_decoded, shows
from mediaml.media.joints import JointFinder
from mediaml.media.limits import Limits
from mediaml.media.open import audio_stream, no_decoder, open_container, sample_rate, video_stream
from mediaml.media.orientation import ROTATION
from mediaml.media.timeline import Timeline
from mediaml.media.video.decoder_threads import configure_threads
from mediaml.media.video.pixels import displayed_size, orientation_of

# How far before the wanted time to look for a keyframe, one after the other, in seconds: a demuxer finds
# keyframes by decoding time, which may lead to one that is presented too late.
STEPS_BACK_S = (0.0, 1.0, 5.0, 25.0)
# Decoder threads; 0 takes one for each core, as far as memory goes.
THREADS = 0


class VideoPass:
    """An open container, its video stream and the decoder; the caller closes it.

    Args:
        path: the file.
        limits: the limits on it.
        thread_type: of the decoder's threads, PyAV's word for it.
        joints: of the file, where another pass has looked for them.

    Raises:
        MediaError: the file holds no video that can be decoded; `LimitError` for too large frames.
    """

    def __init__(
        self,
        path: Location,
        limits: Limits,
        *,
        thread_type: str = "AUTO",
        joints: JointFinder | None = None,
    ) -> None:
        self.path = path
        self.limits = limits
        self.container = open_container(path, limits, decode=limits.decode)
        self.tally = Tally()
        try:
            self.stream = self._stream(thread_type)
        except MediaError:
            self.container.close()
            raise
        self.tally.expected = self.stream.frames or None
        self.index = 0
        self._thread_type = thread_type
        self._joints = joints or JointFinder(path, limits)
        self._decoding = Decoding(self.container, self.stream, path, self.tally, self._joints)
        self._frames = iter(self._decoding)
        self._first: VideoFrame | None = None

    def _stream(self, thread_type: str) -> VideoStream:
        stream = video_stream(self.container)
        if stream is None and audio_stream(self.container) is None:
            raise MediaError(
                f"{self.path} has no video: it is empty, or its index is damaged.",
                "Copy it again from its source.",
            )
        if stream is None:
            raise MediaError(f"{self.path} has no video stream.", "Use a model that accepts audio.")
        if stream.codec_context is None:
            raise no_decoder(self.path, stream)
        self.limits.check_size(self.path, stream.codec_context.width, stream.codec_context.height)
        stream.thread_type = thread_type
        options = {"max_pixels": self.limits.ffmpeg_pixels}
        options |= configure_threads(stream.codec_context, self.limits, THREADS)
        if stream.codec.name == "mjpeg":
            options["err_detect"] = "explode"  # It flags no frame: this makes damage an error.
        stream.codec_context.options = options
        return stream

    def first(self) -> VideoFrame:
        """The frame that comes next, without taking it from `frames`.

        Raises:
            MediaError: there is none.
        """
        if self._first is None:
            self._first = first_decoded(self._frames, self.path, "video")
        return self._first

    def frames(self) -> Iterator[VideoFrame]:
        """The frames that can be decoded, in order of presentation."""
        last = None
        first = self.first()
        self._first = None
        for frame in chain((first,), self._frames):
            last = frame
            yield frame
        if (
            self._thread_type != "SLICE"
            and self._decoding.short
            and not self._decoding.is_joined
            and last is not None
            and last.pts is not None
        ):
            yield from self._behind(last.pts)

    @property
    def missing(self) -> int:
        """Packets that the file's index promises behind its end; known when the frames are at their end."""
        return self._decoding.missing

    @property
    def is_joined(self) -> bool:
        """Whether the file's clock has restarted on the way."""
        return self._decoding.is_joined

    def _behind(self, ticks: int) -> Iterator[VideoFrame]:
        """The frames after a tick, decoded again without frame threads.

        With frame threads PyAV stops at the first error while it empties the decoder, and the intact
        frames behind the damage are lost, one for each thread.
        """
        again = VideoPass(self.path, self.limits, thread_type="SLICE")
        try:
            again.tally.since = ticks + 1
            again._seek_to(ticks)
            yield from (frame for frame in again._frames if frame.pts is not None and frame.pts > ticks)
        finally:
            self.tally.corrupt += again.tally.corrupt - self._decoding.spoiled_flush
            self.tally.flagged += again.tally.flagged
            again.close()

    def timeline(self) -> Timeline:
        """The container's clock, in ticks of the stream."""
        assert self.stream.time_base is not None
        origin = origin_s(self.container)
        start = None if origin is None else origin / self.stream.time_base
        return Timeline(self.stream.time_base, start, self.stream.average_rate)

    def seek(self, start_s: float, *, numbered: bool = True) -> bool:
        """Go to a keyframe at or before a time; `index` then counts the frames before it, if `numbered`.

        Returns:
            Whether that worked; if not, this pass is of no more use.
        """
        start, base = self.stream.start_time, self.stream.time_base
        if start is None or base is None:
            return False
        wanted = self.timeline().tick(start_s)
        if wanted is None or (not self.is_indexed and self._joints()):
            return False  # Seeking goes by stamps, which a joined recording has twice.
        for back_s in STEPS_BACK_S:
            if not self._seek_to(max(start, wanted - int(back_s / base))):
                return False
            frame = next(self._frames, None)
            if frame is not None and frame.pts is not None and frame.pts <= wanted:
                self._first = frame
                return not numbered or self._count_before(frame.pts)
        return False

    def _seek_to(self, ticks: int) -> bool:
        self._decoding.close()
        self._first = None
        self.tally.corrupt = self.tally.flagged = 0
        self.tally.joints.clear()
        try:
            self.container.seek(ticks, stream=self.stream, backward=True)
        except (av.FFmpegError, OSError):
            return False
        self._decoding = Decoding(self.container, self.stream, self.path, self.tally)
        self._frames = iter(self._decoding)
        return True

    def _count_before(self, ticks: int) -> bool:
        """Set `index` to the number of frames that are presented before the one with that tick."""
        landed = self._decoding.landed
        if landed is None:
            return False
        before = self._packets_before(landed)
        if before is None:
            return False
        self.index = before + self._decoding.earlier_than(ticks)
        return True

    @property
    def is_indexed(self) -> bool:
        """Whether the container's index has every packet of the stream."""
        return bool(self.stream.frames) and len(self.stream.index_entries) == self.stream.frames

    def _packets_before(self, landed: tuple[int | None, int | None, int | None]) -> int | None:
        """Packets that precede a packet in the file: from the index where it is whole, else by counting."""
        position, pts, dts = landed
        entries = self.stream.index_entries
        if dts is not None and self.is_indexed:
            found = entries.search_timestamp(dts, any_frame=True)
            if found >= 0 and entries[found].timestamp == dts:
                return sum(not entry.is_discard for entry in entries[:found])
        if position is None or position < 0:
            return None
        with open_container(self.path, self.limits) as container:
            stream = video_stream(container)
            assert stream is not None
            count = 0
            for packet in Decoding(container, stream, self.path, Tally()).packets():
                if (packet.pos, packet.pts) == (position, pts):
                    return count
                count += shows(packet)
        return None

    def info(self) -> MediaInfo:
        """The facts of header and first frame; the frame's side data give the rotation."""
        stream, frame = self.stream, self.first()
        orientation = orientation_of(frame)
        width, height = displayed_size(frame.width, frame.height, stream.sample_aspect_ratio, orientation)
        self.limits.check_size(self.path, width, height)
        sound = audio_stream(self.container)
        return MediaInfo(
            path=str(self.path),
            kind=Kind.VIDEO,
            width=width,
            height=height,
            rotation=ROTATION[orientation],
            frame_rate=stream.average_rate or None,
            duration_s=stated_duration_s(self.container, stream),
            sample_rate=sample_rate(sound),
            audio_tracks=len(self.container.streams.audio),
            header_frames=stream.frames or None,
            container=self.container.format.name,
            codec=stream.codec.canonical_name,
            start_s=starts_at_s(self.container, stream),
        )

    def close(self) -> None:
        """Let go of decoder and file; frames that were handed out keep their pixels."""
        self._decoding.close()
        self._first = None
        self.container.close()
