"""Decoded frames as they are displayed, on planes of limited-range yuv420p that can be drawn on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import require
from mediaml.media.orientation import oriented, swaps_sides
from mediaml.ops.yuv import MATRICES, ColorMatrix, Planes, matrix_of

UNSPECIFIED = 2  # of matrix, primaries and transfer alike (ITU-T H.273, tables 2 to 4)
RGB_MATRIX = 0
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


def is_rgb(frame: VideoFrame) -> bool:
    """Whether the decoder gave RGB or a palette of it."""
    return frame.format.is_rgb or frame.format.has_palette or frame.colorspace == RGB_MATRIX


class Canvas:
    """Makes a displayed yuv420p copy of each frame, of one even size.

    H.264 in 4:2:0 has even sizes only: an odd picture gets one more column or row, a copy of its last one.
    The picture itself stays where it is, pixel by pixel.

    Args:
        width, height: displayed pixels of the first frame; later ones of another size are scaled to it.
        coloring: of the written stream.
    """

    def __init__(self, width: int, height: int, coloring: Coloring) -> None:
        self.width, self.height = width, height
        self.padded_width, self.padded_height = width + width % 2, height + height % 2
        self._coloring = coloring
        self._reformatter = VideoReformatter()

    def copy(self, frame: VideoFrame, orientation: int) -> VideoFrame:
        """A decoded frame, turned and scaled for display.

        The decoder's own frame stays as it is: it may still need it to predict others.
        """
        swapped = swaps_sides(orientation)
        size = (self.height, self.width) if swapped else (self.width, self.height)
        plain = frame.format.name == "yuv420p" and frame.color_range != ColorRange.JPEG
        if not plain or (frame.width, frame.height) != size:
            frame = self._limited(frame, *size)
        return self._placed(planes_of_frame(frame), orientation)

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
