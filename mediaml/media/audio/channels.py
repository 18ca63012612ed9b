"""Channels of decoded audio: what they are, and their mix to mono.

PyAV 18 ends the process on some audio, so all of it passes through here before any array is made:

* `AudioFrame.planes`, and with it `to_ndarray`, looks for a null pointer behind the last plane. FFmpeg has
  room for eight pointers, so planar audio of eight or more channels makes it read wild memory.
* `AudioLayout` copies FFmpeg's channel layout without the list of channels that a custom one points to, and
  frees that list when it goes: a second time, since FFmpeg still owns it. Every decoded frame has a `layout`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.filter import Graph
from av.filter.context import FilterContext

from mediaml.core.arrays import Array, Float32Array

EMPTY: Float32Array = np.zeros(0, dtype=np.float32)
UNSPECIFIED = " channels"
# Channels that FFmpeg's filters mix (SWR_CH_MAX of libswresample/swresample.h).
MOST_CHANNELS = 64
# Up to here the usual layout of so many channels is guessed, as `ffmpeg` does. Of 16 unspecified channels its
# releases make different layouts: that many are rather microphones than loudspeakers.
USUAL_CHANNELS = 8


def layout_of(stream: AudioStream) -> str:
    """The name of a stream's channel layout; to be asked once, before the first packet is decoded.

    A custom layout is taken out of the decoder, which then hands out frames of so many unspecified channels.
    The name returned still lists the channels: give it to `MonoMix`, or to a filter as `channel_layout`.
    """
    layout = stream.codec_context.layout
    name, count = layout.name, layout.nb_channels
    head, listed, channels = name.partition(f"{UNSPECIFIED} (")
    if not listed:
        return name
    # FFmpeg's list of channels is from now on owned by `layout` alone, which frees it.
    stream.codec_context.layout = f"{count}{UNSPECIFIED}"
    listing = channels.rstrip(")")
    return listing if _is_layout(listing) else f"{head}{UNSPECIFIED}"


def layout_for(frame: AudioFrame, declared: str) -> str:
    """The layout that a frame's channels have: its own, else the declared one, else the usual one."""
    name = frame.layout.name
    if not name.endswith(UNSPECIFIED):
        return name
    count = frame.layout.nb_channels
    if _is_layout(declared) and AudioLayout(declared).nb_channels == count:
        name = declared
    if name.endswith(UNSPECIFIED) and count <= USUAL_CHANNELS and _is_layout(f"{count}c"):
        name = AudioLayout(f"{count}c").name
    return name


def _is_layout(name: str) -> bool:
    try:
        AudioLayout(name)
    except ValueError:
        return False
    return True


class MonoMix:
    """Decoded frames to mono, also where format, layout or rate change on the way.

    Channels with known positions are mixed by libswresample's coefficients (ATSC A/52, 7.8), scaled so that
    nothing clips: what `ffmpeg -ac 1` gives for integers. Of others the mean is taken.

    Args:
        declared: the stream's layout, see `layout_of`.
    """

    def __init__(self, declared: str = "") -> None:
        self._declared = declared
        self._form: tuple[str, str, int] | None = None
        self._graph: Graph | None = None

    def mix(self, frame: AudioFrame) -> Float32Array:
        """The mix, float32 [samples] in -1..1; NaN and infinity count as silence.

        Raises:
            ValueError: planar audio of more than 64 channels.
        """
        if frame.layout.nb_channels == 1 and frame.format.name in LEVELS:
            return _levels(cast(Array, frame.to_ndarray()).reshape(-1))
        name = layout_for(frame, self._declared)
        if name.endswith(UNSPECIFIED) and not frame.format.is_planar and frame.format.name in LEVELS:
            channels = cast(Array, frame.to_ndarray()).reshape(-1, frame.layout.nb_channels)
            return cast(Float32Array, _levels(channels).mean(axis=1, dtype=np.float32))
        form = (frame.format.name, name, frame.sample_rate)
        if form != self._form:
            self._graph, self._form = _mono_graph(*form, frame.layout.nb_channels), form
        assert self._graph is not None
        frame.pts = None  # times are kept elsewhere, and the filters would warn of jumps
        self._graph.push(frame)
        parts = [_levels(cast(Array, mixed.to_ndarray()).reshape(-1)) for mixed in pulled(self._graph)]
        return np.concatenate(parts) if parts else EMPTY


def pulled(graph: Graph) -> Iterator[AudioFrame]:
    """The frames that a filter graph has ready."""
    while True:
        try:
            yield cast(AudioFrame, graph.pull())
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def mean_of_channels(graph: Graph, count: int) -> FilterContext:
    """A filter in a graph from so many channels to their mean, mono.

    Raises:
        ValueError: these are more than 64.
    """
    if count > MOST_CHANNELS:
        raise ValueError(f"{count} channels; at most {MOST_CHANNELS} can be mixed")
    mean = "+".join(f"{1 / count}*c{channel}" for channel in range(count))
    return graph.add("pan", f"mono|c0={mean}")


def _mono_graph(form: str, layout: str, rate: int, count: int) -> Graph:
    graph = Graph()
    source = graph.add("abuffer", sample_rate=str(rate), sample_fmt=form, channel_layout=layout)
    if layout.endswith(UNSPECIFIED):
        mix = mean_of_channels(graph, count)
    else:
        mix = graph.add("aresample", rematrix_maxval="1")
    mono = graph.add("aformat", sample_fmts="flt", channel_layouts="mono")
    graph.link_nodes(source, mix, mono, graph.add("abuffersink")).configure()
    return graph


LEVELS = frozenset({"u8", "u8p", "s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp"})
"""The sample formats that PyAV makes arrays of."""


def _levels(array: Array) -> Float32Array:
    """Samples of any of `LEVELS` as float32 in -1..1, in the same shape."""
    if array.dtype == np.uint8:
        return cast(Float32Array, (array.astype(np.float32) - 128) / 128)
    if array.dtype.kind == "i":
        return (array / float(1 << (8 * array.itemsize - 1))).astype(np.float32)
    return np.nan_to_num(array, posinf=0, neginf=0).clip(-1, 1).astype(np.float32)
