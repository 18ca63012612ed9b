"""The fast way for the commonest images: still JPEG, PNG and WebP files of 8 bits.

simplejpeg and imagecodecs call the libraries that Pillow calls (libjpeg-turbo, libpng, libwebp) and give the
same levels in a tenth to a half of the time: Pillow keeps 4 bytes per pixel and copies them twice. simplejpeg
also tells what libjpeg warns of, which others print on stderr without a name, or drop.
"""

from __future__ import annotations

import imagecodecs
import numpy as np
import simplejpeg

from mediaml.core.arrays import UInt8Array
from mediaml.media.image.levels import to_rgb

# Pillow's modes of what is decoded here.
MODES = {"jpeg": ("L", "RGB"), "png": ("L", "LA", "RGB", "RGBA"), "webp": ("RGB", "RGBA")}


def decode_fast(
    data: bytes, kind: str, mode: str, warned: list[str], least: tuple[int, int] = (0, 0)
) -> UInt8Array:
    """The pixels of a whole file, RGB [H, W, 3] as stored, over white.

    Args:
        kind, mode: one of `MODES`.
        warned: is given what libjpeg warns of: damage that it decodes over.
        least: height and width of a JPEG that is decoded at a fraction of its size; 0 for the whole.

    Raises:
        ValueError: the file is damaged.
    """
    if kind == "jpeg":
        return to_rgb(_jpeg(data, "GRAY" if mode == "L" else "RGB", warned, least))
    try:
        pixels = imagecodecs.png_decode(data) if kind == "png" else imagecodecs.webp_decode(data)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    return to_rgb(np.asarray(pixels, np.uint8))


def _jpeg(data: bytes, colorspace: str, warned: list[str], least: tuple[int, int]) -> UInt8Array:
    try:
        return np.asarray(
            simplejpeg.decode_jpeg(data, colorspace, strict=True, min_height=least[0], min_width=least[1])
        )
    except ValueError as error:
        text = str(error)
    if "remature end" in text:  # libjpeg fills what is missing with grey.
        raise ValueError(text)
    if least[0]:  # What follows knows no fractions.
        raise ValueError(text)
    try:
        # simplejpeg gives up on what libjpeg warns of in the header, strict or not.
        pixels = imagecodecs.jpeg8_decode(data)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    warned.append(text)
    return np.asarray(pixels, np.uint8)


def damage_reason(error: BaseException) -> str:
    """What a decoder said of damage, as a clause."""
    text = str(error).strip().splitlines()
    known = text[0].rstrip(".") if text else type(error).__name__
    if known.startswith("cannot handle"):  # A JPEG of 12 bits or more.
        return f"it is of a kind that is not read here ({known})"
    if "truncated" in known.lower() or "too small" in known or "end of file" in known.lower():
        return f"it is cut off ({known})"
    return f"it is damaged or cut off ({known})"
