"""Pictures as files of one frame, upright and in RGB.

An animated GIF, WebP or PNG is a picture here: its first frame. Truncated pictures are refused: half a
picture would be judged as if it were whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.location import Location, Url
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.media.files import check_file, unreadable
from mediaml.media.image.decode import decode_image
from mediaml.media.image.header import ImageHeader, ReadAt, read_image_header
from mediaml.media.limits import Limits
from mediaml.media.loading import load_av
from mediaml.media.orientation import ROTATION, swaps_sides
from mediaml.ops.fitting import fit_image


@dataclass(frozen=True, slots=True, eq=False)
class ImagePixels:
    """The pixels of a decoded picture: uint8 RGB [height, width, 3] as displayed."""

    rgb: UInt8Array = field(repr=False)

    def image(self) -> UInt8Array:
        """See `mediaml.core.frame.Pixels`."""
        return self.rgb.copy()

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """See `mediaml.core.frame.Pixels`."""
        fitted = fit_image(self.rgb, width, height, fit, pad=pad, resample=resample)
        return fitted.copy() if np.may_share_memory(fitted, self.rgb) else fitted


def content(path: Location, limits: Limits) -> bytes:
    """The bytes of a picture's file.

    Raises:
        MediaError: it cannot be read; `LimitError` where it is too large.
    """
    if isinstance(path, Url):
        load_av()
        from mediaml.media.remote import fetched

        return fetched(path, limits)
    limits.check_image_bytes(path, check_file(path))
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(error, path, "read") from error


def checked_header(path: Location, read: ReadAt, limits: Limits) -> ImageHeader:
    """The header of a picture.

    Raises:
        MediaError: it is none, or damaged; `LimitError` for too many pixels.
    """
    try:
        header = read_image_header(read)
    except ValueError as error:
        raise damaged(path, error) from error
    if header is None:
        raise MediaError(f"{path} is no picture in a format that is read here.", "Check what the file is.")
    if header.width < 1 or header.height < 1:
        raise MediaError(f"{path} has no pixels: its size is {header.width}x{header.height}.")
    limits.check_size(path, header.width, header.height)
    return header


def image_info(path: Location, header: ImageHeader) -> MediaInfo:
    """What the header of a picture says, as displayed."""
    size = (header.width, header.height)
    width, height = reversed(size) if swaps_sides(header.orientation) else size
    return MediaInfo(
        path=str(path),
        kind=Kind.IMAGE,
        width=width,
        height=height,
        rotation=ROTATION[header.orientation],
        header_frames=1,
        container=header.format,
        codec=header.format,
    )


def damaged(path: Location, reason: ValueError) -> MediaError:
    """The error for a picture that is damaged or cut off."""
    return MediaError(
        f"{path} cannot be decoded: {reason}.", "Copy it again from where it came, or convert it."
    )


class ImageReader(AbstractContextManager["ImageReader"]):
    """Reads a picture; see `mediaml.media.reader.Reader`. The file is read at once and then let go.

    Raises:
        MediaError: see `open_reader`; damage behind the header shows in `frames`.
    """

    def __init__(self, path: Location, *, limits: Limits = Limits()) -> None:  # noqa: B008
        self._path = path
        data = content(path, limits)
        self._header = checked_header(path, lambda offset, size: data[offset : offset + size], limits)
        self._info = image_info(path, self._header)
        self._data: bytes | None = data
        self._limits = limits
        self._decoded = self._corrupt = 0

    @property
    def info(self) -> MediaInfo:
        """See `Reader.info`."""
        return self._info

    @property
    def accounts(self) -> DecodeAccounts:
        """See `Reader.accounts`."""
        return DecodeAccounts(expected=1, decoded=self._decoded, corrupt=self._corrupt)

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """The one frame, at 0 s; none for a later start. See `Reader.frames`."""
        if self._data is None:
            raise ValueError(f"the reader of {self._path} is closed")
        self._decoded = self._corrupt = 0
        if start_s > 0:
            return
        # OpenCV logs each picture that it cannot decode; the error below says the same.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            pixels = decode_image(self._data, self._header)
        except (ValueError, MemoryError) as error:
            self._corrupt = 1
            raise damaged(self._path, ValueError(str(error) or "memory is exhausted")) from error
        self._decoded = 1
        height, width = pixels.shape[:2]
        yield Frame(0, 0.0, 0.0, self._info, width, height, ImagePixels(pixels))

    def close(self) -> None:
        """See `Reader.close`."""
        self._data = None

    def __exit__(self, *_: object) -> None:
        self.close()
