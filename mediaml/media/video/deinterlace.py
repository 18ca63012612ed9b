"""Deinterlaces frames, one output frame each, by FFmpeg's bwdif; other frames pass as they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import av
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from mediaml.media.timeline import Stamp


def stamp_of(frame: VideoFrame) -> Stamp:
    """The time stamps of a decoded frame."""
    return Stamp(frame.pts, frame.dts, frame.duration)


def stamped(frames: Iterable[VideoFrame], *, deinterlace: bool) -> Iterator[tuple[Stamp, VideoFrame]]:
    """Frames with the stamps that the decoder gave them, in order.

    Args:
        frames: as decoded.
        deinterlace: whether frames that are flagged as interlaced are deinterlaced.
    """
    filtering: _Filtering | None = None
    for frame in frames:
        if filtering is not None and filtering.form != _form(frame):
            yield from filtering.rest()
            filtering = None
        if filtering is None and deinterlace and frame.interlaced_frame:
            filtering = _Filtering(frame)
        if filtering is None:
            yield stamp_of(frame), frame
        else:
            yield from filtering.feed(frame)
    if filtering is not None:
        yield from filtering.rest()


def _form(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name


class _Filtering:
    """A bwdif for frames of one form. It holds one back, for it looks at the frames before and after."""

    def __init__(self, frame: VideoFrame) -> None:
        self.form = _form(frame)
        self._stamps: deque[Stamp] = deque()
        self._number = 0
        self._graph = Graph()
        width, height, pix_fmt = self.form
        source: Any = self._graph.add_buffer(
            width=width, height=height, format=VideoFormat(pix_fmt), time_base=frame.time_base
        )
        bwdif = self._graph.add("bwdif", mode="send_frame", parity="auto", deint="interlaced")
        self._graph.link_nodes(source, bwdif, self._graph.add("buffersink")).configure()

    def feed(self, frame: VideoFrame) -> Iterator[tuple[Stamp, VideoFrame]]:
        """What comes out when a frame goes in."""
        self._stamps.append(stamp_of(frame))
        # The filter looks at times as well: the true ones may be missing or out of order.
        frame.pts = self._number
        self._number += 1
        self._graph.push(frame)
        yield from self._pull()

    def rest(self) -> Iterator[tuple[Stamp, VideoFrame]]:
        """The frame that is still inside."""
        self._graph.push(None)
        yield from self._pull()

    def _pull(self) -> Iterator[tuple[Stamp, VideoFrame]]:
        while self._stamps:
            try:
                frame: Any = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield self._stamps.popleft(), frame
