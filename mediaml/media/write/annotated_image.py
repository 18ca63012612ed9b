"""Writes an image, an animation or the pages of a TIFF with boxes and labels drawn on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import cv2

from mediaml.core.arrays import UInt8Array
from mediaml.core.atomic_file import atomic_file, atomic_path, writing
from mediaml.core.errors import MediaError
from mediaml.core.frame import Frame
from mediaml.core.location import Location
from mediaml.core.media import Kind
from mediaml.media.annotated_mark import mark_image
from mediaml.media.limits import Limits
from mediaml.media.reader import open_reader
from mediaml.media.write.sequence_file import PAGED, WRITERS, Frames
from mediaml.ops.drawing import Overlay, Painter
from mediaml.ops.look import Look
from mediaml.ops.surface import RgbSurface

# Formats that are written, with OpenCV's parameters for them. Quality 92 shows no blocks around thin lines.
PARAMETERS = {
    ".jpg": (cv2.IMWRITE_JPEG_QUALITY, 92),
    ".jpeg": (cv2.IMWRITE_JPEG_QUALITY, 92),
    ".png": (),
    ".webp": (cv2.IMWRITE_WEBP_QUALITY, 92),
}


def write_annotated_image(
    source: Location,
    target: Path,
    overlay: Overlay,
    *,
    picture: UInt8Array | None = None,
    look: Look = Look(),  # noqa: B008
    limits: Limits = Limits(),  # noqa: B008
    check: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """Write an image as displayed, EXIF orientation applied, with boxes and labels drawn on it.

    Args:
        source: an image; of several frames or pages the first is taken.
        target: a name that ends in .jpg, .jpeg, .png or .webp, which says the format. The file appears when
            it is whole. Folders are made.
        overlay: what to draw; boxes in displayed pixels of the source.
        picture: what to show instead of the source (uint8 RGB [H, W, 3]); boxes are scaled to it.
        look: how it is drawn. Nothing of the source's metadata is written, whatever the look.
        limits: the limits on the source.
        check: called before the file appears; what it raises leaves no file.

    Returns:
        What of the source is not in it.

    Raises:
        MediaError: the source cannot be read, or the target cannot be written.
    """
    suffix = target.suffix.lower()
    if suffix not in PARAMETERS:
        raise MediaError(
            f"{target} cannot be written: images are written as {', '.join(PARAMETERS)}.",
            "Name a target that ends in one of these.",
        )
    with open_reader(source, Kind.IMAGE, limits=limits) as reader:
        frame = next(iter(reader.frames()))
        source_width, source_height = frame.width * frame.scale[0], frame.height * frame.scale[1]
        reduced = frame.scale != (1.0, 1.0) and picture is None
        image = _drawn_on(frame, overlay, picture, look)
        del frame  # Its pixels are as large as the copy.
    data = _encoded(image, suffix, target)
    with atomic_path(target, error=MediaError) as part:
        with writing(target, error=MediaError):
            part.write_bytes(data)
        check()
    if not reduced:
        return ()
    height, width = image.shape[:2]
    return (f"has {width}x{height} pixels instead of {source_width:.0f}x{source_height:.0f} (--memory)",)


def write_annotated_sequence(
    source: Location,
    target: Path,
    drawn: Callable[[Frame], tuple[Overlay, UInt8Array | None]],
    *,
    look: Look = Look(),  # noqa: B008
    limits: Limits = Limits(),  # noqa: B008
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write an animation, or a TIFF of several pages, with boxes and labels drawn on every frame.

    Frames are shown for as long as those of the source; the animation repeats for ever. One frame is in
    memory at a time.

    Args:
        source: an image.
        target: a name that ends in .gif, .png, .tif, .tiff or .webp, which says the format. Folders are made.
        drawn: what to draw on a frame, and what to show instead of it; see `write_annotated_image`. In an
            animation that is scaled to the size of the first frame.
        look, limits, check: see `write_annotated_image`.

    Raises:
        MediaError: the source cannot be read, or the target cannot be written.
    """
    suffix = target.suffix.lower()
    if suffix not in WRITERS:
        raise MediaError(f"{target} cannot be written: sequences are written as {', '.join(WRITERS)}.")
    with (
        open_reader(source, Kind.IMAGE, limits=limits) as reader,
        atomic_file(target, error=MediaError) as file,
    ):
        images = ((_drawn_on(frame, *drawn(frame), look), frame.duration_s) for frame in reader.frames())
        WRITERS[suffix](file, images if suffix in PAGED else _of_one_size(images))
        check()


def _of_one_size(frames: Frames) -> Iterator[tuple[UInt8Array, float]]:
    size = None
    for image, delay_s in frames:
        height, width = image.shape[:2]
        size = size or (width, height)
        same = image if size == (width, height) else cast(UInt8Array, cv2.resize(image, size))
        yield same, delay_s


def _drawn_on(frame: Frame, overlay: Overlay, picture: UInt8Array | None, look: Look) -> UInt8Array:
    """The image of a frame, or a picture in its place, with an overlay in pixels of the frame."""
    image = frame.image if picture is None else picture.copy()
    height, width = image.shape[:2]
    x, y = width / (frame.width * frame.scale[0]), height / (frame.height * frame.scale[1])
    Painter(width, height, look).draw(RgbSurface(image), overlay.placed(x, y))
    return image


def _encoded(image: UInt8Array, suffix: str, target: Path) -> bytes:
    try:
        done, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), PARAMETERS[suffix])
    except cv2.error as error:
        raise _too_large(image, target) from error
    if not done:
        raise _too_large(image, target)
    return mark_image(data.tobytes())


def _too_large(image: UInt8Array, target: Path) -> MediaError:
    height, width = image.shape[:2]
    return MediaError(
        f"{target} cannot be written: {width}x{height} pixels are too many for that format.",
        "Scale the source down, or write it as PNG.",
    )
