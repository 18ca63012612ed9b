"""Audio that MP4 cannot hold, re-encoded to AAC packet by packet."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.packet import Packet

from mediaml.media.audio.channels import UNSPECIFIED, layout_for, layout_of, mean_of_channels, pulled
from mediaml.media.decode import CORRUPT

# ISO/IEC 14496-3, table 1.18: samplingFrequencyIndex, without the rates below 8 kHz and above 48 kHz.
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
# FFmpeg's own 0.1 s can be seen and heard; stamps rounded to milliseconds stay well below this.
HOLE_S = 0.02
BITS_PER_CHANNEL = 80_000  # bit/s; 160 kbit/s in stereo, where AAC-LC is taken for transparent


class AacTrack:
    """One audio stream on its way from a source to an MP4, decoded and encoded again.

    Silence fills holes of more than `HOLE_S` and overlaps are cut, so that audio and video stay in sync
    (`async=1` of FFmpeg's aresample).

    Args:
        output: open for writing.
        source: the stream that is read.
        shift_s: seconds to add to all times.
    """

    def __init__(self, output: OutputContainer, source: AudioStream, shift_s: Fraction) -> None:
        self._source = source
        self._shift_s = shift_s
        rate = source.codec_context.sample_rate
        self._rate = min((known for known in RATES if known >= rate), default=48_000)
        self._declared = layout_of(source)
        self._layout = LAYOUTS.get(source.codec_context.channels, "stereo")
        self.stream: Any = output.add_stream("aac", rate=self._rate, layout=self._layout)
        context = self.stream.codec_context
        context.bit_rate = BITS_PER_CHANNEL * context.channels
        context.time_base = Fraction(1, self._rate)
        context.open()
        self._frame_size = int(context.frame_size)
        self._graph: Graph | None = None
        self._form: tuple[str, str, int] | None = None
        self._next_s = Fraction(0)
        self.lost = 0

    def carry(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """What becomes of one packet; one that cannot be decoded is counted in `lost`."""
        try:
            frames = self._source.decode(packet)
        except CORRUPT:
            self.lost += 1
            return
        for frame in frames:
            yield from self._encode(frame)

    def flush(self) -> Iterator[Packet[Any]]:
        """The packets that decoder, filter and encoder still hold."""
        try:
            for frame in self._source.decode(None):
                yield from self._encode(frame)
        except CORRUPT:
            self.lost += 1
        yield from self._drain()
        yield from self.stream.encode(None)

    def _encode(self, frame: AudioFrame) -> Iterator[Packet[Any]]:
        form = (frame.format.name, layout_for(frame, self._declared), frame.sample_rate)
        if form != self._form:
            yield from self._drain()
            self._graph, self._form = self._filter(*form, frame.layout.nb_channels), form
        assert self._graph is not None
        time_s = self._next_s
        if frame.pts is not None and frame.time_base is not None:
            time_s = frame.pts * frame.time_base + self._shift_s
        self._next_s = time_s + Fraction(frame.samples, frame.sample_rate)
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = round(time_s * frame.sample_rate)
        self._graph.push(frame)
        yield from self._pull()

    def _filter(self, form: str, layout: str, rate: int, channels: int) -> Graph:
        """From what the decoder gives to frames of the size that the encoder takes."""
        graph = Graph()
        source = graph.add_abuffer(sample_rate=rate, format=form, layout=layout, time_base=Fraction(1, rate))
        if layout.endswith(UNSPECIFIED):
            mean = mean_of_channels(graph, channels)
            source.link_to(mean)
            source = mean
        resample = graph.add("aresample", f"{self._rate}:async=1:min_hard_comp={HOLE_S}")
        convert = graph.add("aformat", f"sample_fmts=fltp:channel_layouts={self._layout}")
        graph.link_nodes(source, resample, convert, graph.add("abuffersink")).configure()
        graph.set_audio_frame_size(self._frame_size)
        return graph

    def _drain(self) -> Iterator[Packet[Any]]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
            self._graph = None

    def _pull(self) -> Iterator[Packet[Any]]:
        assert self._graph is not None
        for frame in pulled(self._graph):
            yield from self.stream.encode(frame)
