"""Images, and sequences of images: the pages of a TIFF, the frames of an animation; upright and in RGB.

Truncated images are refused: half an image would be judged as if it were whole.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.location import Location, Url
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.media.files import check_file, unreadable
from mediaml.media.image.decode import DecodableImage, open_image
from mediaml.media.image.library_log import library_log
from mediaml.media.limits import Limits
from mediaml.media.loading import load_av
from mediaml.media.orientation import ROTATION, oriented, swaps_sides
from mediaml.ops.fitting import fit_image


@dataclass(frozen=True, slots=True, eq=False)
class ImagePixels:
    """The pixels of a decoded image: uint8 RGB [height, width, 3] as displayed."""

    rgb: UInt8Array = field(repr=False)

    @property
    def nbytes(self) -> int:
        """See `Frame.nbytes`."""
        return self.rgb.nbytes

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
    """The bytes of an image file.

    Raises:
        MediaError: it cannot be read; `LimitError` where it is too large.
    """
    if isinstance(path, Url) and path.in_store:
        from mediaml.media.object_store import read_object

        return read_object(path, limits)
    if isinstance(path, Url):
        load_av()
        from mediaml.media.remote import fetched

        return fetched(path, limits)
    limits.check_image_bytes(path, check_file(path))
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(error, path, "read") from error


class ImageReader(AbstractContextManager["ImageReader"]):
    """Reads an image; see `mediaml.media.reader.Reader`. The file is read at once and then let go.

    An animation has its frames at their times, each for as long as it is shown; it is passed through once.
    The pages of a TIFF follow one another at 1 s each. `Limits.image_frames` keeps the first ones only.

    Raises:
        MediaError: see `open_reader`; damage behind the header shows in `frames`.
    """

    def __init__(self, path: Location, *, limits: Limits = Limits()) -> None:  # noqa: B008
        self._path = path
        self._limits = limits
        self._decoded = self._corrupt = 0
        self._notes: list[str] = []
        data = content(path, limits)
        self._size = len(data)
        with self._plain_errors():
            opened = open_image(data)
        if opened is None:
            raise MediaError(
                f"{path} is not an image in a supported format.",
                "Check the file, or convert it to JPEG or PNG.",
            )
        kind, image = opened
        if image.width < 1 or image.height < 1:
            raise MediaError(f"{path} has no pixels: its size is {image.width}x{image.height}.")
        for size in image.sizes:
            limits.check_size(path, *size)
        self._image: DecodableImage | None = image
        self._info = _info(path, kind, image)
        most = limits.image_frames
        self._expected = image.count if most is None else min(most, image.count)

    @property
    def info(self) -> MediaInfo:
        """See `Reader.info`."""
        return self._info

    @property
    def accounts(self) -> DecodeAccounts:
        """See `Reader.accounts`."""
        return DecodeAccounts(
            expected=self._expected, decoded=self._decoded, corrupt=self._corrupt, notes=tuple(self._notes)
        )

    @property
    def decoding_bytes(self) -> int:
        """Bytes of memory that the file and decoding one frame of it take."""
        if self._image is None:
            return 0
        return self._size + min(self._image.decoded_bytes, self._limits.decoded_bytes or sys.maxsize)

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """The frames or pages; see `Reader.frames`. A single image is one frame at 0 s."""
        image = self._image
        if image is None:
            raise ValueError(f"the reader of {self._path} is closed")
        self._decoded = self._corrupt = 0
        most = self._limits.decoded_bytes
        if most is not None and image.decoded_bytes > most:
            yield from self._reduced(image, most, start_s)
            return
        decoded = image.frames(start_s)
        while True:
            with self._plain_errors():
                found = next(decoded, None)
            self._note(image.notes)
            self._corrupt = image.corrupt
            if found is None or found[0] >= self._expected:
                return
            index, time_s, duration_s, pixels = found
            self._decoded += 1
            height, width = pixels.shape[:2]
            yield Frame(index, time_s, duration_s, self._info, width, height, ImagePixels(pixels))
            if image.count == 1:
                return

    def _reduced(self, image: DecodableImage, most: int, start_s: float) -> Iterator[Frame]:
        """The one frame of an image that does not fit in memory, decoded at a fraction of its size.

        Raises:
            LimitError: that does not fit either, or the format knows no fractions.
        """
        with self._plain_errors():
            reduction = image.reduction(most)
        if reduction is None:
            self._limits.check_decoded_bytes(self._path, image.width, image.height, image.decoded_bytes)
            return
        if start_s > 0:
            return
        with self._plain_errors():
            pixels = oriented(reduction.decode(), image.orientation)
        self._note(image.notes)
        self._corrupt = image.corrupt
        height, width = pixels.shape[:2]
        if reduction.factor > 1:
            whole = f"{image.decoded_bytes >> 20} MiB"
            self._note(
                [f"decoded at 1/{reduction.factor} of its size: as a whole it takes {whole} (--memory)"]
            )
        self._decoded = 1
        scale = (self._info.width or width) / width, (self._info.height or height) / height
        yield Frame(0, 0.0, 0.0, self._info, width, height, ImagePixels(pixels), scale=scale)

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Turn what a decoder raises into a `MediaError`, and what its library logs into notes."""
        try:
            with library_log() as lines:
                yield
        except (ValueError, MemoryError) as error:
            self._corrupt = 1
            raise _unreadable(self._path, str(error) or "out of memory") from error
        finally:
            self._note(lines)

    def _note(self, lines: list[str]) -> None:
        self._notes += [line for line in lines if line not in self._notes]

    def close(self) -> None:
        """See `Reader.close`."""
        self._image = None

    def __exit__(self, *_: object) -> None:
        self.close()


def _info(path: Location, kind: str, image: DecodableImage) -> MediaInfo:
    size = (image.width, image.height)
    width, height = reversed(size) if swaps_sides(image.orientation) else size
    return MediaInfo(
        path=str(path),
        kind=Kind.IMAGE,
        width=width,
        height=height,
        rotation=ROTATION[image.orientation],
        header_frames=image.count,
        container=kind,
        codec=kind,
    )


def _unreadable(path: Location, reason: str) -> MediaError:
    return MediaError(f"{path} cannot be decoded: {reason}.", "Copy it again from its source, or convert it.")
