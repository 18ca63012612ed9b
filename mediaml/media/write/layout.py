"""How the annotated copy of a video is laid out: its size, its colours, and where times come to lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Self

from mediaml.core.frame import Frame
from mediaml.media.clock import origin_s
from mediaml.media.decode import Tally
from mediaml.media.video.deinterlace import stamp_of
from mediaml.media.video.tone import ToneMapper, tone_of
from mediaml.media.video.video_pass import VideoPass
from mediaml.media.write.canvas import SAME_SHAPE, STANDARD, Canvas, Coloring
from mediaml.media.write.h264 import Clock


@dataclass(frozen=True, slots=True)
class Layout:
    """What all frames of one copy have in common, wherever drawing begins.

    Attributes:
        width, height: displayed pixels of the source's first frame, or of the pictures in its place.
        coloring: of the written stream.
        clock: of the written stream.
        start: tick of the copy at which the source's time 0 lies.
        shift_s: seconds to add to the stamps of all streams of the file.
        stream: index of the source's stream that is annotated.
        tags: language and title of that stream.
        tone: maps frames of high dynamic range, `None` for others.
    """

    width: int
    height: int
    coloring: Coloring
    clock: Clock
    start: int
    shift_s: Fraction
    stream: int
    tags: dict[str, str]
    tone: ToneMapper | None = None

    @classmethod
    def of(cls, run: VideoPass, *, from_rgb: bool) -> Self:
        """The layout of a source, as its header and first frame ask for.

        Args:
            run: a pass of which no frame was taken yet.
            from_rgb: pictures from outside may take the place of frames.

        Raises:
            MediaError: nothing can be decoded.
        """
        first, stream = run.first(), run.stream
        clock = Clock.of(stream)
        time_s, _, _ = next(run.timeline().place([(stamp_of(first), first)], Tally()))
        # MP4 begins at 0: a frame before that moves the whole file.
        late_s = max(Fraction(0), -Fraction(time_s))
        origin = origin_s(run.container)
        if origin is None:
            origin = Fraction(first.pts or 0) * (stream.time_base or clock.time_base)
        info = run.info()
        tone = tone_of(first, run.limits)
        assert info.width is not None and info.height is not None
        return cls(
            info.width,
            info.height,
            Coloring.of(first, from_rgb=from_rgb) if tone is None else STANDARD,
            clock,
            round(late_s / clock.time_base),
            late_s - origin,
            stream.index,
            tags_of(stream),
            tone,
        )

    def canvas(self) -> Canvas:
        """What frames are copied to."""
        return Canvas(self.width, self.height, self.coloring, self.tone)

    def sized(self, size: tuple[int, int] | None) -> Self:
        """The layout for pictures in place of frames, of that width and height.

        Where they have another shape than the frames, they were stretched to a model's input: the copy keeps
        the size of the source. `None` and zeros change nothing.
        """
        if size is None or not all(size):
            return self
        shape = size[0] * self.height / (size[1] * self.width)
        return replace(self, width=size[0], height=size[1]) if abs(shape - 1) <= SAME_SHAPE else self

    def ticks(self, frame: Frame) -> tuple[int, int]:
        """When a frame of the source is shown in the copy and for how long, in ticks of the clock."""
        pts = self.start + round(Fraction(frame.time_s) / self.clock.time_base)
        return pts, max(1, round(Fraction(frame.duration_s) / self.clock.time_base))


def tags_of(stream: Any) -> dict[str, str]:
    """Language and title of a stream; players show MP4's handler name as the title."""
    kept = {
        key: stream.metadata[key] for key in ("language", "title", "handler_name") if key in stream.metadata
    }
    return kept | ({"handler_name": kept["title"]} if "title" in kept else {})
