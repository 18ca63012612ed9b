"""Decoded frames as they are displayed, on planes of limited-range yuv420p that can be drawn on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import require
from mediaml.media.orientation import oriented, swaps_sides
from mediaml.media.video.tone import ToneMapper
from mediaml.ops.fitting import Fitting
from mediaml.ops.yuv import MATRICES, ColorMatrix, Planes, matrix_of

UNSPECIFIED = 2  # of matrix, primaries and transfer alike (ITU-T H.273, tables 2 to 4)
RGB_MATRIX = 0
# Shapes that differ by less are alike but for rounding to whole pixels.
SAME_SHAPE = 0.02
# swscale's own numbers of the matrices (SWS_CS_* in libswscale/swscale.h).
SWSCALE = {1: 1, 4: 4, 7: 7, 9: 9, 10: 9}
SWSCALE_601 = 5
FILTER = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


@dataclass(frozen=True, slots=True)
class Coloring:
    """How the colours of the written stream are to be read: code points of ITU-T H.273.

    Attributes:
        code: MatrixCoefficients.
        primaries: ColourPrimaries.
        transfer: TransferCharacteristics.
    """

    code: int
    primaries: int
    transfer: int

    @classmethod
    def of(cls, frame: VideoFrame, *, from_rgb: bool) -> Self:
        """What the frame says; where RGB must be converted and no matrix is named, one is chosen and named.

        Args:
            frame: the first one, as decoded.
            from_rgb: pictures from outside take the place of frames. They follow the stream, by BT.601
                where it names no matrix, as the reader does.
        """
        code = frame.colorspace if frame.colorspace in MATRICES else UNSPECIFIED
        if is_rgb(frame):
            # FFmpeg and browsers alike assume BT.709 for high definition and BT.601 below.
            code = 1 if frame.height >= 720 else 6
        elif from_rgb and code == UNSPECIFIED:
            code = 6
        return cls(code, frame.color_primaries, frame.color_trc)

    @property
    def matrix(self) -> ColorMatrix:
        """The matrix to convert colours with."""
        return matrix_of(self.code)


STANDARD = Coloring(1, 1, 1)
"""BT.709 throughout: what high dynamic range is mapped to."""


def is_rgb(frame: VideoFrame) -> bool:
    """Whether the decoder gave RGB or a palette of it."""
    return frame.format.is_rgb or frame.format.has_palette or frame.colorspace == RGB_MATRIX


class Canvas:
    """Makes a displayed yuv420p copy of each frame, of one even size.

    H.264 in 4:2:0 has even sizes only: an odd picture gets one more column or row, a copy of its last one.
    The picture itself stays where it is, pixel by pixel.

    Args:
        width, height: displayed pixels of the first frame; later ones of another size are scaled to it, and
            those of another shape letterboxed in black, as players do.
        coloring: of the written stream.
        tone: maps frames of high dynamic range, `None` where there are none.
    """

    def __init__(self, width: int, height: int, coloring: Coloring, tone: ToneMapper | None = None) -> None:
        self._tone = tone
        self.width, self.height = width, height
        self.padded_width, self.padded_height = width + width % 2, height + height % 2
        self._coloring = coloring
        self._reformatter = VideoReformatter()

    def fitting(self, width: int, height: int) -> Fitting:
        """Where a frame of some displayed size is placed on the canvas."""
        shape = width * self.height / (height * self.width)
        is_alike = abs(shape - 1) <= SAME_SHAPE
        fitting = Fitting.of(width, height, self.width, self.height, "stretch" if is_alike else "letterbox")
        # Chroma has half the resolution: only even places are there.
        return replace(fitting, offset_x=fitting.offset_x & ~1, offset_y=fitting.offset_y & ~1)

    def copy(self, frame: VideoFrame, orientation: int, fitting: Fitting | None = None) -> VideoFrame:
        """A decoded frame, turned and scaled for display.

        Args:
            frame: as decoded.
            orientation: from stored to displayed.
            fitting: where to put it; `None` stretches it over the whole canvas.

        The decoder's own frame stays as it is: it may still need it to predict others.
        """
        swapped = swaps_sides(orientation)
        width, height = self.width, self.height
        if fitting is not None:
            width, height = fitting.content_width, fitting.content_height
        size = (height, width) if swapped else (width, height)
        if self._tone is not None:
            rgb = self._reformatter.reformat(frame, *size, "gbrp", interpolation=FILTER, threads=1)
            frame = self._tone.apply(rgb)
        plain = frame.format.name == "yuv420p" and frame.color_range != ColorRange.JPEG
        if not plain or (frame.width, frame.height) != size:
            frame = self._limited(frame, *size)
        if (width, height) == (self.width, self.height) or fitting is None:
            return self._placed(planes_of_frame(frame), orientation)
        return self._letterboxed(planes_of_frame(frame), orientation, fitting)

    def _letterboxed(self, planes: Planes, orientation: int, fitting: Fitting) -> VideoFrame:
        result = VideoFrame(self.padded_width, self.padded_height, "yuv420p")
        target = planes_of_frame(result)
        left, top = fitting.offset_x, fitting.offset_y
        for source, sink, black, halving in (
            (planes.y, target.y, 16, 1),
            (planes.u, target.u, 128, 2),
            (planes.v, target.v, 128, 2),
        ):
            turned = oriented(source, orientation)
            height, width = turned.shape[:2]
            sink[:] = black
            x, y = left // halving, top // halving
            sink[y : y + height, x : x + width] = turned
        return result

    def paint(self, image: UInt8Array) -> VideoFrame:
        """An RGB picture (uint8 [H, W, 3]) of any size, stretched over the whole canvas."""
        require(
            image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3,
            f"a picture is uint8 [height, width, 3], not {image.dtype} {image.shape}",
        )
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        return self._placed(planes_of_frame(self._limited(frame, self.width, self.height)), 1)

    def _limited(self, frame: VideoFrame, width: int, height: int) -> VideoFrame:
        """As limited-range yuv420p; a YUV frame keeps its matrix."""
        return self._reformatter.reformat(
            frame,
            width,
            height,
            "yuv420p",
            dst_colorspace=SWSCALE.get(self._coloring.code, SWSCALE_601) if is_rgb(frame) else None,
            dst_color_range=ColorRange.MPEG,
            interpolation=FILTER,
            threads=1,
        )

    def _placed(self, planes: Planes, orientation: int) -> VideoFrame:
        result = VideoFrame(self.padded_width, self.padded_height, "yuv420p")
        target = planes_of_frame(result)
        for source, sink in ((planes.y, target.y), (planes.u, target.u), (planes.v, target.v)):
            turned = oriented(source, orientation)
            height, width = turned.shape[:2]
            sink[:height, :width] = turned
            sink[:height, width:] = turned[:, -1:]
            sink[height:] = sink[height - 1]
        return result


def planes_of_frame(frame: VideoFrame) -> Planes:
    """Views of the planes of a yuv420p frame; writing to them changes the frame."""
    y, u, v = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    )
    return Planes(y, u, v)
