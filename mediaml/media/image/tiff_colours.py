"""Colours of TIFF pages that need more than scaling: CIELAB, and YCbCr that is not in JPEG."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from PIL import Image, ImageCms
from tifffile import COMPRESSION, PHOTOMETRIC, TiffPage

from mediaml.core.arrays import Array, UInt8Array

LAB = (PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB)
# These decode to RGB, whatever the page says of its samples.
DECODED_AS_RGB = (COMPRESSION.JPEG, COMPRESSION.OJPEG)


def is_plain_ycbcr(page: TiffPage) -> bool:
    """Whether a page keeps YCbCr, usually with fewer samples of colour than of light, without JPEG."""
    return page.photometric == PHOTOMETRIC.YCBCR and page.compression not in DECODED_AS_RGB


def ycbcr_to_rgb(data: bytes, page: TiffPage) -> UInt8Array:
    """A page by OpenCV, whose libtiff knows chroma subsampling and turns the page as it is displayed.

    Raises:
        ValueError: it is damaged, or not in the chain of top directories.
    """
    if not isinstance(page.index, int):
        raise ValueError("its colours are YCbCr in a SubIFD, which is not supported")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    place = (page.index, page.index + 1)
    try:
        done, images = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR, range=place)
    except cv2.error as error:
        raise ValueError("it is damaged: its YCbCr cannot be decoded") from error
    if not done or len(images) != 1:
        raise ValueError("it is damaged: its YCbCr cannot be decoded")
    return cast(UInt8Array, cv2.cvtColor(images[0], cv2.COLOR_BGR2RGB))


def lab_to_rgb(photometric: PHOTOMETRIC, pixels: Array) -> UInt8Array:
    """CIELAB of 8 bits [H, W, 3] to sRGB, by LittleCMS.

    Raises:
        ValueError: it has other levels.
    """
    if pixels.dtype.itemsize != 1 or pixels.shape[2] != 3:
        raise ValueError(f"its colours are CIELAB of {pixels.dtype}, which is not supported")
    levels = np.ascontiguousarray(pixels).view(np.uint8)
    if photometric is PHOTOMETRIC.ICCLAB:
        levels = levels ^ np.array([0, 128, 128], np.uint8)  # a and b with an offset instead of a sign.
    height, width = levels.shape[:2]
    image = Image.frombytes("LAB", (width, height), levels.tobytes(), "raw", "LAB")
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    return cast(UInt8Array, np.asarray(shown))
