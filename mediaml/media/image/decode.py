"""The bytes of a picture to the RGB that a viewer shows; what is cut off or damaged is refused.

Colour profiles are not applied: the numbers are taken as sRGB, as models are trained on them.
"""

from __future__ import annotations

import io
from typing import cast

import cv2
import numpy as np

from mediaml.core.arrays import Array, UInt8Array
from mediaml.media.image.header import ImageHeader, tiff_tags
from mediaml.media.image.truncation import whole_image
from mediaml.media.loading import load_av
from mediaml.media.orientation import oriented

WHITE = 255
TIFF_PHOTOMETRIC, TIFF_SAMPLES = 262, 277
TIFF_LAB = (8, 9, 10)
COLOR = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def decode_image(data: bytes, header: ImageHeader) -> UInt8Array:
    """Decode the first frame of a picture.

    Transparency is laid over white, as on a page; 16-bit levels are scaled to 8; grey and palettes become
    RGB; CMYK is converted without a profile.

    Args:
        data: the whole file.
        header: of the same file.

    Returns:
        uint8 RGB [height, width, 3] as displayed.

    Raises:
        ValueError: the picture is cut off, damaged or of a kind that is not read here, and how.
    """
    if header.format == "heic":
        raise ValueError("HEIC is not read here; convert it to JPEG or AVIF")
    data = whole_image(data, header.format)
    if header.format == "gif":
        return _by_ffmpeg(data, "gif")  # OpenCV loses the transparency of some animations.
    if header.format == "tiff":
        return _tiff(data)
    flags = COLOR if header.format == "jpeg" else cv2.IMREAD_UNCHANGED
    return oriented(to_rgb(_imdecode(data, flags)), header.orientation)


def _tiff(data: bytes) -> UInt8Array:
    """libtiff turns pictures by itself, and multiplies the colours of 8-bit ones by alpha."""
    tags = tiff_tags(lambda offset, size: data[offset : offset + size])
    if tags.get(TIFF_PHOTOMETRIC) in TIFF_LAB:
        raise ValueError("its colours are CIELAB, which is not read here; convert it to RGB")
    if tags.get(TIFF_SAMPLES) == 2:
        return _by_ffmpeg(data, "tiff_pipe")  # OpenCV drops the alpha of grey pictures.
    image = _imdecode(data, cv2.IMREAD_UNCHANGED)
    return to_rgb(image, premultiplied=image.dtype == np.uint8)


def _imdecode(data: bytes, flags: int) -> Array:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ValueError("its decoder gave up on it") from error
    if image is None:
        raise ValueError("it is damaged or cut off")
    return image


def _by_ffmpeg(data: bytes, demuxer: str) -> UInt8Array:
    """The first frame by FFmpeg, from memory: no protocol is open to it."""
    load_av()  # here, so that a run over JPEG and PNG does not wait for it
    import av

    options = {"protocol_whitelist": "none"}
    try:
        with av.open(io.BytesIO(data), mode="r", format=demuxer, options=options) as container:
            for frame in container.decode(video=0):
                return over_white(cast(UInt8Array, frame.to_ndarray(format="rgba")))
    except (av.FFmpegError, OSError) as error:
        raise ValueError("it is damaged or cut off") from error
    raise ValueError("it holds no picture")


def to_rgb(image: Array, *, premultiplied: bool = False) -> UInt8Array:
    """OpenCV's decoded picture to uint8 RGB [H, W, 3].

    Args:
        image: [H, W] grey, [H, W, 3] BGR or [H, W, 4] BGRA; uint8, uint16, or float in 0..1.
        premultiplied: the colours are multiplied by alpha already.

    Raises:
        ValueError: another kind of array.
    """
    pixels = _to_uint8(image)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 1:
        return cast(UInt8Array, cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB))
    if channels == 3:
        return cast(UInt8Array, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
    if channels == 4:
        return over_white(
            cast(UInt8Array, cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)), premultiplied=premultiplied
        )
    raise ValueError(f"it has {channels} channels")


def over_white(rgba: UInt8Array, *, premultiplied: bool = False) -> UInt8Array:
    """Lay uint8 RGBA [H, W, 4] over white, uint8 RGB [H, W, 3].

    The operator `over` of Porter and Duff, Compositing Digital Images, 1984.
    """
    alpha = rgba[..., 3:]
    if alpha.min(initial=WHITE) == WHITE:
        return np.ascontiguousarray(rgba[..., :3])
    colour = rgba[..., :3].astype(np.uint16)
    if premultiplied:
        return cast(UInt8Array, np.minimum(colour + (WHITE - alpha), WHITE).astype(np.uint8))
    mixed = colour * alpha + np.uint16(WHITE) * (WHITE - alpha) + np.uint16(WHITE // 2)
    return cast(UInt8Array, (mixed // WHITE).astype(np.uint8))


def _to_uint8(image: Array) -> UInt8Array:
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.uint16:
        return cast(UInt8Array, cv2.convertScaleAbs(image, alpha=1 / 257))
    if image.dtype in (np.float32, np.float64):
        levels: UInt8Array = (np.nan_to_num(image).clip(0, 1) * WHITE + 0.5).astype(np.uint8)
        return levels
    raise ValueError(f"its levels are {image.dtype}")
