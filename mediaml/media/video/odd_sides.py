"""Frames whose sides are odd and whose chroma has half of them, made even for swscale.

swscale takes chroma samples to lie evenly over the whole side, and so moves those of an odd side by up to
half a pixel. With one more column or row they lie where they are.
"""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

# Decoders of FFmpeg that place chroma samples on the left ones of luma, by codec. What a frame says is lost
# on the way, and PyAV does not tell it; for the others FFmpeg has the centre, as in JPEG.
LEFT_SITED = frozenset({"mpeg2video", "mpeg4", "h264", "hevc", "vc1", "wmv3"})


class EvenSides:
    """Pads frames of one stream; belongs to one thread at a time.

    Args:
        codec: FFmpeg's name of it.
    """

    def __init__(self, codec: str) -> None:
        self._siting = "left" if codec in LEFT_SITED else "unspecified"
        self._graph: Graph | None = None
        self._form: tuple[int, int, str] | None = None

    def of(self, frame: VideoFrame) -> VideoFrame | None:
        """The frame with even sides, what is added at the right and below; `None` where it needs none."""
        across, down = _halved(frame.format)
        width, height = frame.width + (frame.width % across), frame.height + (frame.height % down)
        if (width, height) == (frame.width, frame.height):
            return None
        form = frame.width, frame.height, frame.format.name
        if self._graph is None or self._form != form:
            self._graph, self._form = self._built(frame, width, height), form
        self._graph.push(frame)
        padded = cast(VideoFrame, self._graph.pull())
        padded.colorspace, padded.color_range = frame.colorspace, frame.color_range
        padded.color_trc, padded.color_primaries = frame.color_trc, frame.color_primaries
        return padded

    def _built(self, frame: VideoFrame, width: int, height: int) -> Graph:
        """A graph that pads the plane of luma alone: FFmpeg's `pad` cuts odd sides where chroma is halved."""
        graph, name = Graph(), frame.format.name
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=VideoFormat(name),
            time_base=Fraction(1, 1_000_000),
        )
        planes = graph.add("extractplanes", "y+u+v")
        padded = graph.add("pad", f"{width}:{height}:0:0")
        # Alpha is not shown.
        merged = graph.add("mergeplanes", f"map1s=1:map2s=2:format={name.replace('yuva', 'yuv')}")
        sited = graph.add("setparams", f"chroma_location={self._siting}")
        sink = graph.add("buffersink")
        source.link_to(planes)
        planes.link_to(padded)
        padded.link_to(merged)
        planes.link_to(merged, 1, 1)
        planes.link_to(merged, 2, 2)
        merged.link_to(sited)
        sited.link_to(sink)
        graph.configure()
        return graph


def _halved(format_: VideoFormat) -> tuple[int, int]:
    """Luma samples per chroma sample, across and down, of planar YUV whose chroma is halved; else 1 and 1."""
    if not format_.name.startswith("yuv"):
        return 1, 1
    return (2 if format_.chroma_width(4) == 2 else 1), (2 if format_.chroma_height(4) == 2 else 1)
