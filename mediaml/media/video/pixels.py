"""The pixels of a decoded video frame: scaled, rotated and in RGB, on demand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.core.frame import Fit, Resample
from mediaml.media.orientation import UPRIGHT, orientation_of_matrix, oriented, swaps_sides
from mediaml.media.video.odd_sides import EvenSides
from mediaml.media.video.side_data import side_data_of
from mediaml.media.video.tone import ToneMapper
from mediaml.ops.fitting import Fitting, fit_image, place

# Without these two swscale rounds down, which makes images 1 to 2 levels too dark, and repeats chroma.
EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
# Orientation for each quarter turn counterclockwise, as `VideoFrame.rotation` counts.
TURNED = (UPRIGHT, 8, 3, 6)
FILTERS = {"bilinear": Interpolation.BILINEAR, "bicubic": Interpolation.BICUBIC}


class Scalers:
    """A pool of swscale contexts, which are costly to set up and serve one thread at a time.

    Args:
        tone: maps frames of high dynamic range; `None` leaves them as they are.
        codec: of the stream, FFmpeg's name of it.
    """

    def __init__(self, tone: ToneMapper | None = None, codec: str = "") -> None:
        self._tone = tone
        self._codec = codec
        self._idle: list[tuple[VideoReformatter, EvenSides]] = []

    def rgb(self, frame: VideoFrame, width: int, height: int, resample: Resample) -> UInt8Array:
        """The frame scaled to uint8 RGB [height, width, 3], by the frame's own colour matrix and range.

        Shrinking is antialiased. A frame that names no matrix is converted by ITU-R BT.601 in limited range,
        as FFmpeg does.

        Raises:
            MediaError: FFmpeg cannot convert the frame.
        """
        try:
            scaler, sides = self._idle.pop()
        except IndexError:
            scaler, sides = VideoReformatter(), EvenSides(self._codec)
        try:
            even = sides.of(frame)
            if even is None:
                rgb = self._converted(scaler, frame, width, height, resample)
            else:
                whole = self._converted(scaler, even, even.width, even.height, resample)
                rgb = whole[: frame.height, : frame.width]
                if (width, height) != (frame.width, frame.height):
                    again = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
                    rgb = _array(_scaled(scaler, again, width, height, "rgb24", resample))
        except av.FFmpegError as error:
            raise MediaError(
                f"a frame of {frame.width}x{frame.height} {frame.format.name} cannot be converted to RGB: "
                f"{error.strerror}.",
                "Convert the video, to H.264 in MP4 for instance.",
            ) from error
        self._idle.append((scaler, sides))
        return np.ascontiguousarray(rgb)

    def _converted(
        self, scaler: VideoReformatter, frame: VideoFrame, width: int, height: int, resample: Resample
    ) -> UInt8Array:
        if self._tone is None:
            scaled = _scaled(scaler, frame, width, height, "rgb24", resample)
        else:
            deep = _scaled(scaler, frame, width, height, "gbrp10le", resample)
            scaled = self._tone.apply(deep).reformat(format="rgb24")
        return _array(scaled)


def _array(frame: VideoFrame) -> UInt8Array:
    return cast(UInt8Array, frame.to_ndarray())


def _scaled(
    scaler: VideoReformatter, frame: VideoFrame, width: int, height: int, pix_fmt: str, resample: Resample
) -> VideoFrame:
    filter_ = FILTERS[resample] | EXACT
    return scaler.reformat(frame, width, height, pix_fmt, interpolation=filter_, threads=1)


@dataclass(frozen=True, slots=True, eq=False)
class VideoPixels:
    """The pixels of one decoded frame, kept as decoded until they are needed.

    Attributes:
        frame: as decoded.
        width, height: pixels as displayed.
        orientation: from stored to displayed, see `mediaml.media.orientation`.
        scalers: shared by the frames of a reader.
    """

    frame: VideoFrame
    width: int
    height: int
    orientation: int
    scalers: Scalers
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def nbytes(self) -> int:
        """See `Frame.nbytes`."""
        return sum(plane.buffer_size for plane in self.frame.planes)

    def image(self) -> UInt8Array:
        """See `mediaml.core.frame.Pixels`.

        Raises:
            MediaError: FFmpeg cannot convert the frame.
        """
        return self._scaled(self.width, self.height, "bilinear")

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """See `mediaml.core.frame.Pixels`; swscale goes from the decoder's planes to the content's size.

        Raises:
            MediaError: FFmpeg cannot convert the frame.
        """
        if resample == "opencv-linear":
            # Networks that want it were trained on pictures converted at full size, and then scaled.
            return fit_image(self.image(), width, height, fit, pad=pad, resample=resample)
        fitting = Fitting.of(self.width, self.height, width, height, fit)
        content = fitting.content_width * fitting.content_height
        if content > 4 * width * height and content > self.width * self.height:
            # A crop out of a very oblong picture: scaling what is then cut off would cost more than a copy.
            return fit_image(self.image(), width, height, fit, pad=pad, resample=resample)
        return place(self._scaled(fitting.content_width, fitting.content_height, resample), fitting, pad)

    def _scaled(self, width: int, height: int, resample: Resample) -> UInt8Array:
        stored = (height, width) if swaps_sides(self.orientation) else (width, height)
        with self.lock:  # PyAV changes the frame's tags for the time of a conversion.
            pixels = self.scalers.rgb(self.frame, *stored, resample)
        return oriented(pixels, self.orientation)


def displayed_size(width: int, height: int, aspect: Fraction | None, orientation: int) -> tuple[int, int]:
    """Width and height as displayed; oblong pixels are made square by enlarging, so that nothing is lost.

    Args:
        width, height: stored pixels.
        aspect: width / height of one stored pixel; `None` or nonsense counts as square.
        orientation: from stored to displayed.
    """
    if aspect and aspect > 1:
        width = max(1, round(width * aspect))
    elif aspect and 0 < aspect < 1:
        height = max(1, round(height / aspect))
    return (height, width) if swaps_sides(orientation) else (width, height)


def orientation_of(frame: VideoFrame) -> int:
    """The orientation that the display matrix of a decoded frame asks for."""
    for data in side_data_of(frame):
        if data.type is Type.DISPLAYMATRIX:
            return orientation_of_matrix(bytes(data))
    return TURNED[round(frame.rotation / 90) % 4]
