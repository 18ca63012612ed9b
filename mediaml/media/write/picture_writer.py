"""Writes the pictures that a model answers with into files, one at a time, as they are answered.

A picture of a video becomes a frame of an H.264 stream in Matroska: 4:4:4, of high quality, with the number
of its frame as its time. All others become PNG files, which are lossless. Equal pictures give equal bytes, on
every machine: what is resumed is what would have been written.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from mediaml.core.arrays import UInt8Array
from mediaml.core.atomic_file import writing
from mediaml.core.errors import MediaError
from mediaml.core.picture_file import PictureFile, file_name

# 45 dB and more from what was answered; the copy, of lower quality, is encoded from it. Equal bytes: see
# `mediaml.media.write.h264`. No B-frames and no lookahead: a picture is on disk soon after it is answered.
_OPTIONS = {
    "crf": "8",
    "preset": "superfast",
    "x264-params": "cpu-independent=1:bframes=0:rc-lookahead=0:sync-lookahead=0",
}
_THREADS = 2
_KEYFRAME_EVERY = 25
TICK = Fraction(1, 25)
"""Seconds from one frame number to the next in the file, which Matroska's milliseconds can hold."""
MOST_PIXELS_A_SIDE = 16_384
"""What x264 takes."""
_BT709 = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pictures of one time slice go.

    Attributes:
        folder: the output folder. source, model: their ids in the ledger. number: of the slice.
        moving: whether they are frames of a video.
    """

    folder: Path
    source: int
    model: int
    number: int
    moving: bool

    def name(self, part: int, suffix: str) -> str:
        """The name of a file under the output folder."""
        numbered = f"{self.number:06}" if part == 0 else f"{self.number:06}-{part}"
        return file_name(self.source, self.model, f"{numbered}{suffix}")


class PictureWriter:
    """Writes the pictures of one slice; all methods may be called from any thread.

    A file holds pictures of one size: where it changes, another begins.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._open: _Moving | None = None
        self._files: list[PictureFile] = []
        self._over = False

    def add(self, frame: int, picture: UInt8Array) -> None:
        """Write the picture (uint8 RGB [H, W, 3]) of the frame of that number, which must ascend.

        Raises:
            MediaError: it cannot be encoded or written.
        """
        with self._lock:
            if self._over:
                return
            height, width = picture.shape[:2]
            if not height or not width:
                raise MediaError(f"the picture of frame {frame} is empty ({width}x{height}).")
            if not self._place.moving or max(height, width) > MOST_PIXELS_A_SIDE:
                self._end()
                self._files.append(self._still(frame, picture))
                return
            if self._open is not None and self._open.size != (width, height):
                self._end()
            if self._open is None:
                name = self._place.name(len(self._files), ".mkv")
                self._open = _Moving(self._place.folder, name, frame, (width, height))
            self._open.add(frame, picture)

    def close(self) -> tuple[PictureFile, ...]:
        """End the last file; returns all that were written.

        Raises:
            MediaError: it cannot be written.
        """
        with self._lock:
            self._over = True
            self._end()
            return tuple(self._files)

    def abandon(self) -> None:
        """Drop the file being written."""
        with self._lock:
            self._over = True
            if self._open is not None:
                self._open.abandon()
                self._open = None

    def _end(self) -> None:
        moving, self._open = self._open, None
        if moving is not None:
            self._files.append(moving.close())

    def _still(self, frame: int, picture: UInt8Array) -> PictureFile:
        import cv2

        name = self._place.name(len(self._files), ".png")
        target = self._place.folder / name
        done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if not done:
            raise MediaError(f"the picture of frame {frame} cannot be encoded as PNG.")
        content = data.tobytes()
        part = target.with_name(f"{target.name}.part")
        with writing(target, error=MediaError):
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(target)
        height, width = picture.shape[:2]
        digest = hashlib.sha256(content).hexdigest()
        return PictureFile(name, digest, len(content), frame, frame, width, height)


class _Hashed:
    """A file for a muxer that only writes on, so that its digest is known when it ends."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write bytes."""
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


class _Moving:
    """A file of pictures of one size that is being written."""

    def __init__(self, folder: Path, name: str, first: int, size: tuple[int, int]) -> None:
        import av

        self.size = size
        self._name = name
        self._first = self._last = first
        self._target = folder / name
        self._part = self._target.with_name(f"{self._target.name}.part")
        self._writing = partial(writing, self._target, error=MediaError, also=(av.FFmpegError, ValueError))
        with self._writing():
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._raw = self._part.open("wb")
            self._file = _Hashed(self._raw)
            self._output = av.open(
                cast(Any, self._file), "w", format="matroska", container_options={"fflags": "+bitexact"}
            )
            self._stream = self._encoder()

    def _encoder(self) -> Any:
        stream: Any = self._output.add_stream("libx264", rate=1 / TICK)
        stream.width, stream.height = self.size
        stream.pix_fmt = "yuv444p"
        context = stream.codec_context
        context.time_base = TICK
        context.thread_count = _THREADS
        context.gop_size = _KEYFRAME_EVERY
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = 2
        context.options = dict(_OPTIONS)
        return stream

    def add(self, frame: int, picture: UInt8Array) -> None:
        from av.video.frame import VideoFrame
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        self._last = frame
        with self._writing():
            copy = VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv444p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.JPEG,
                interpolation=Interpolation.BICUBIC
                | Interpolation.ACCURATE_RND
                | Interpolation.FULL_CHR_H_INP,
            )
            copy.pts, copy.time_base = frame - self._first, TICK
            self._output.mux(self._stream.encode(copy))

    def close(self) -> PictureFile:
        try:
            with self._writing():
                self._output.mux(self._stream.encode(None))
                self._output.close()
                self._raw.close()
                self._part.replace(self._target)
        except BaseException:
            self.abandon()
            raise
        digest, (width, height) = self._file.digest.hexdigest(), self.size
        return PictureFile(self._name, digest, self._file.size, self._first, self._last, width, height)

    def abandon(self) -> None:
        import av

        with suppress(OSError, av.FFmpegError):
            self._output.close()
        with suppress(OSError):
            self._raw.close()
            self._part.unlink(missing_ok=True)
