"""The shape of a stream's pixels, frame by frame, where it may change midway."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from av.container import InputContainer
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

# Demuxers that take the shape of pixels from the container, which then holds for the whole file
# (`av_guess_sample_aspect_ratio` of libavformat/avformat.c).
STATED = {"mov", "matroska", "webm", "avi", "asf", "nut", "mxf"}
STEPS = 256


class PixelAspect:
    """Width / height of a stored pixel, as of each frame.

    PyAV does not tell what a frame says. The decoder's context does, but it runs ahead of the frames by those
    that the decoder holds back; so once it has changed, each frame is measured with a filter.

    Args:
        container: the file, open.
        stream: the video that is read.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._context = stream.codec_context
        self._stated = stream.sample_aspect_ratio
        self._first = self._context.sample_aspect_ratio
        self._is_fixed = not STATED.isdisjoint(container.format.name.split(","))
        self._known: set[Fraction | None] = {self._first}
        self._graph: Graph | None = None
        self._form: tuple[int, int, str] | None = None

    def of(self, frame: VideoFrame) -> Fraction | None:
        """The shape of a frame's pixels; `None` where the file does not say."""
        if self._is_fixed:
            return self._stated
        self._known.add(self._context.sample_aspect_ratio)
        if len(self._known) == 1:
            return self._stated
        measured = Fraction(self._measure(frame), STEPS)
        nearest = min(self._known, key=lambda known: abs((known or Fraction(1)) - measured))
        return self._stated if nearest == self._first else nearest

    def _measure(self, frame: VideoFrame) -> int:
        """The shape of a frame's pixels in steps of 1 / `STEPS`: the width that `scale` gives by it."""
        form = frame.width, frame.height, frame.format.name
        if self._graph is None or self._form != form:
            self._graph, self._form = Graph(), form
            width, height, pix_fmt = form
            source = self._graph.add_buffer(
                width=width, height=height, format=VideoFormat(pix_fmt), time_base=Fraction(1, 1000)
            )
            self._graph.link_nodes(
                source,
                self._graph.add("crop", f"w={min(16, width)}:h={min(16, height)}:x=0:y=0"),
                self._graph.add("scale", f"w=max(1\\,trunc({STEPS}*sar)):h=16:eval=frame:flags=neighbor"),
                self._graph.add("buffersink"),
            ).configure()
        self._graph.push(frame)
        return cast(VideoFrame, self._graph.pull()).width
