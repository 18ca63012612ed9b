"""Audio, subtitles and chapters of a video on their way to its annotated copy, in step with its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard
from av.subtitles.stream import SubtitleStream

from mediaml.core.location import Location
from mediaml.media.clock import SharedClock, may_restart
from mediaml.media.decode import CORRUPT
from mediaml.media.joints import GENERATE_PTS, JointFinder
from mediaml.media.limits import Limits
from mediaml.media.open import open_container, translated
from mediaml.media.write.aac_track import AacTrack
from mediaml.media.write.layout import tags_of

# Codecs that MP4 holds by their own standards and that players know; everything else is re-encoded.
COPIED_AUDIO = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"})
# Of the metadata of a source: what describes its container, not its content.
# A time code makes the muxer write a track of its own, for which the rate of a copy is too high.
OF_THE_CONTAINER = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "timecode"}
)
SUBTITLE_TICK = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class KeptStreams:
    """What of a source is kept beside its video.

    Attributes:
        audio: the audio streams.
        tags: what describes it: titles, chapters, where it was recorded.
        end_s: packets from this time of the output on are left out, and those before its start; `None` keeps
            all.
    """

    audio: bool = True
    tags: bool = True
    end_s: Fraction | None = None

    def tags_of(self, tags: dict[str, str]) -> dict[str, str]:
        """What is kept of the tags of a stream: without `tags` its language alone."""
        return {key: text for key, text in tags.items() if self.tags or key == "language"}

    def holds(self, packet: Packet[Any]) -> bool:
        """Whether a packet, with the times of the output, is within what is kept."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if self.end_s is None or stamp is None:
            return True
        return 0 <= stamp * packet.time_base < self.end_s


class Track(Protocol):
    """One stream of the copy; `lost` counts the source's packets that could not be taken over."""

    stream: Any
    lost: int

    def carry(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """What becomes of one packet of the source."""

    def flush(self) -> Iterator[Packet[Any]]:
        """What is still held back at the end."""


class CopiedTrack:
    """A stream whose packets are taken over as they are."""

    def __init__(self, output: OutputContainer, source: Any, shift_s: Fraction) -> None:
        self.stream: Any = output.add_stream_from_template(source, opaque=True)
        self._shift = round(shift_s / source.time_base)
        self._last_dts: int | None = None
        self.lost = 0

    def carry(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """The packet itself; one without a time or out of order is left out, because MP4 cannot hold it."""
        dts = packet.dts if packet.dts is not None else packet.pts
        if dts is None or (self._last_dts is not None and dts <= self._last_dts):
            self.lost += 1
            return
        self._last_dts = dts
        packet.dts = dts + self._shift
        packet.pts = (dts if packet.pts is None else packet.pts) + self._shift
        packet.stream = self.stream
        yield packet

    def flush(self) -> Iterator[Packet[Any]]:
        yield from ()


class TextTrack:
    """Subtitles in any text format, re-encoded as MP4's own (3GPP TS 26.245, `mov_text`)."""

    def __init__(self, output: OutputContainer, source: SubtitleStream, shift_s: Fraction) -> None:
        self._source = source
        self._shift_s = shift_s
        self.stream: Any = output.add_stream("mov_text")
        self.stream.time_base = SUBTITLE_TICK
        context = self.stream.codec_context
        context.time_base = SUBTITLE_TICK
        # Decoders of text hand out lines in ASS; the encoder needs the styles that they refer to.
        source.codec_context.open()
        context.subtitle_header = source.codec_context.subtitle_header
        self._last = -1
        self.lost = 0

    def carry(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """The text of one packet; one that cannot be decoded is counted in `lost`."""
        try:
            text = self._source.decode2(packet)
        except CORRUPT:
            self.lost += 1
            return
        if text is None or len(text) == 0 or packet.pts is None:
            return
        encoded = self.stream.codec_context.encode_subtitle(text)
        start_s = packet.pts * packet.time_base + self._shift_s
        pts = round(start_s / SUBTITLE_TICK) + text.start_display_time
        if pts <= self._last:
            self.lost += 1
            return
        self._last = pts
        stated = round((packet.duration or 0) * packet.time_base / SUBTITLE_TICK)
        encoded.pts = encoded.dts = pts
        encoded.duration = stated or text.end_display_time - text.start_display_time
        encoded.time_base = SUBTITLE_TICK
        encoded.stream = self.stream
        yield encoded

    def flush(self) -> Iterator[Packet[Any]]:
        yield from ()


class SideStreams:
    """Everything but the video, read by a separate demuxer on the clock that `SharedClock` keeps.

    Args:
        path: the source.
        limits: as for the reader.
        kept: what is kept of it.

    Attributes:
        kept: see above.
        dropped: what could not be kept, and why, one sentence each.
    """

    def __init__(self, path: Location, limits: Limits, kept: KeptStreams = KeptStreams()) -> None:
        self._path = path
        self.kept = kept
        self.container: InputContainer = open_container(path, limits)
        self.container.flags &= ~GENERATE_PTS  # as the reader does, so that both see the same times
        self._joints = JointFinder(path, limits)
        self._clock: SharedClock | None = None
        self._tracks: dict[int, Track] = {}
        self._shift_s = Fraction(0)
        self._packets: Iterator[Packet[Any]] = iter(())
        self._waiting: Packet[Any] | None = None
        self.dropped: list[str] = []
        self.audio_copied = self.audio_encoded = self.subtitles = 0

    def board(self, output: OutputContainer, video_index: int, shift_s: Fraction) -> None:
        """Give each audio and subtitle stream a track in the output; say in `dropped` what gets none.

        Args:
            output: open for writing; its video stream was added before, so it is the first.
            video_index: the stream that is annotated.
            shift_s: seconds to add to all times.
        """
        self._shift_s = shift_s
        for stream in self.container.streams:
            track = None if stream.index == video_index else self._track(output, stream)
            if track is None:
                stream.discard = Discard.all
            else:
                track.stream.disposition = stream.disposition
                track.stream.metadata.update(self.kept.tags_of(tags_of(stream)))
                self._tracks[stream.index] = track
        tags = {key: text for key, text in self.container.metadata.items() if key not in OF_THE_CONTAINER}
        if self.kept.tags:
            output.metadata.update(tags)
        if self.kept.tags and self.kept.end_s is None:
            output.set_chapters([self._moved(chapter) for chapter in self.container.chapters()])
        chosen = [self.container.streams[index] for index in self._tracks]
        if chosen:
            self._clock = SharedClock(self.container, chosen, self._joints, ahead=may_restart(self.container))
            self._packets = self.container.demux(chosen)

    def _track(self, output: OutputContainer, stream: Any) -> Track | None:
        name = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
        if stream.type == "audio" and not self.kept.audio:
            return None
        if stream.type == "audio" and stream.codec_context:
            if name in COPIED_AUDIO and not _is_slow_mp3(stream, name):
                self.audio_copied += 1
                return CopiedTrack(output, stream, self._shift_s)
            self.audio_encoded += 1
            return AacTrack(output, stream, self._shift_s)
        if stream.type == "subtitle" and stream.codec_context and stream.codec_context.codec.text_sub:
            self.subtitles += 1
            kind = CopiedTrack if name == "mov_text" else TextTrack
            return kind(output, stream, self._shift_s)
        self.dropped.append(f"stream {stream.index} ({stream.type}, {name}): {_why(stream)}")
        return None

    def _moved(self, chapter: Any) -> Any:
        ticks = round(self._shift_s / chapter["time_base"])
        return chapter | {"start": chapter["start"] + ticks, "end": chapter["end"] + ticks}

    def until(self, time_s: Fraction | None) -> Iterator[Packet[Any]]:
        """The packets up to a time of the output in seconds, ready to be written; `None`: all of the rest."""
        while (packet := self._peek()) is not None:
            if time_s is not None and self._comes_after(packet, time_s):
                return
            self._waiting = None
            yield from filter(self.kept.holds, self._tracks[packet.stream_index].carry(packet))
        if time_s is None:
            for track in self._tracks.values():
                yield from filter(self.kept.holds, track.flush())

    def _comes_after(self, packet: Packet[Any], time_s: Fraction) -> bool:
        return packet.dts is not None and packet.dts * packet.time_base + self._shift_s > time_s

    def _peek(self) -> Packet[Any] | None:
        while self._waiting is None:
            try:
                packet = next(self._packets, None)
            except (*CORRUPT, IndexError):
                # The reader ends a damaged file there too, and counts it; for IndexError see `Decoding`.
                self._packets, packet = iter(()), None
            except (av.FFmpegError, OSError) as error:
                raise translated(error, self._path, "read to its end") from error
            if packet is None:
                return None
            if packet.size and self._clock is not None:
                self._clock.place(packet)
                self._waiting = packet
        return self._waiting

    def losses(self) -> Iterator[str]:
        """One sentence for each incomplete track."""
        for index, track in self._tracks.items():
            if track.lost:
                yield f"stream {index}: {track.lost} packets were damaged or out of order and left out"

    def close(self) -> None:
        """Let go of the file."""
        self._packets = iter(())
        self.container.close()


def _is_slow_mp3(stream: Any, name: str) -> bool:
    """MPEG-2.5 layer III, below 16 kHz, is in no standard for MP4, and FFmpeg refuses it there."""
    return name == "mp3" and stream.codec_context.sample_rate < 16_000


def _why(stream: Any) -> str:
    if stream.type == "subtitle":
        return "bitmap subtitles have no place in MP4"
    if stream.type == "video":
        return "only one video is annotated"
    return "no place in MP4"
