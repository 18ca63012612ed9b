"""Reads the pictures that `mediaml.media.write.picture_writer` wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import OutputError
from mediaml.core.picture_file import PictureFile

if TYPE_CHECKING:
    from av.container import InputContainer

_TICKS = 25


def is_whole(folder: Path, file: PictureFile) -> bool:
    """Whether a file has the bytes that were written; it is read from beginning to end."""
    try:
        with (folder / file.name).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def is_there(folder: Path, file: PictureFile) -> bool:
    """Whether a file of the size that was written is there."""
    try:
        return (folder / file.name).stat().st_size == file.size
    except OSError:
        return False


class PictureReader(AbstractContextManager["PictureReader"]):
    """Pictures of the files in an output folder; frames asked for in order cost one pass over each file.

    Belongs to one thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: PictureFile | None = None
        self._container: InputContainer | None = None
        self._frames: Iterator[tuple[int, UInt8Array]] = iter(())
        self._at: tuple[int, UInt8Array] | None = None

    def read(self, file: PictureFile, frame: int) -> UInt8Array | None:
        """The picture of the frame of that number: uint8 RGB [H, W, 3]; `None` where it has none.

        Raises:
            OutputError: the file is missing or damaged.
        """
        if file != self._file or (self._at is not None and self._at[0] > frame):
            self._open(file)
        while self._at is not None and self._at[0] < frame:
            self._at = self._next()
        return self._at[1] if self._at is not None and self._at[0] == frame else None

    def close(self) -> None:
        """Let go of the open file; closing twice does nothing."""
        if self._container is not None:
            self._container.close()
        self._file = self._container = self._at = None
        self._frames = iter(())

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, file: PictureFile) -> None:
        known = self._file is not None and self._file == file
        self.close()
        if not known and not is_whole(self._folder, file):
            raise OutputError(
                f"the pictures in {self._folder / file.name} are missing or damaged.",
                f"`mediaml status --repair {self._folder}`, then rerun; what is missing is computed again.",
            )
        self._file = file
        self._frames = self._still(file) if file.name.endswith(".png") else self._moving(file)
        self._at = self._next()

    def _next(self) -> tuple[int, UInt8Array] | None:
        return next(self._frames, None)

    def _still(self, file: PictureFile) -> Iterator[tuple[int, UInt8Array]]:
        import cv2

        data = np.fromfile(self._folder / file.name, np.uint8)
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert decoded is not None
        yield file.first, cast(UInt8Array, cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))

    def _moving(self, file: PictureFile) -> Iterator[tuple[int, UInt8Array]]:
        import av
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        self._container = av.open(f"file:{self._folder / file.name}")
        stream = self._container.streams.video[0]
        stream.thread_count = 2
        for frame in self._container.decode(stream):
            assert frame.pts is not None and frame.time_base is not None
            rgb = frame.reformat(
                format="rgb24",
                src_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                interpolation=Interpolation.BICUBIC
                | Interpolation.ACCURATE_RND
                | Interpolation.FULL_CHR_H_INP,
            )
            yield file.first + round(frame.pts * frame.time_base * _TICKS), cast(UInt8Array, rgb.to_ndarray())
