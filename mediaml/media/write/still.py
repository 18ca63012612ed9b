"""Writes an RGB image as a JPEG or PNG file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.atomic_file import write_atomically
from mediaml.core.errors import MediaError
from mediaml.media.annotated_mark import mark_image

# No blocks that a model or an eye would see.
QUALITY = 95


def write_still(image: UInt8Array, target: Path, *, marked: bool = False) -> None:
    """Write uint8 RGB [height, width, 3]; the name says the format. Folders are made.

    Args:
        marked: whether it carries the mark by which later runs leave out what mediaml has drawn.

    Raises:
        MediaError: it cannot be written.
    """
    suffix = ".png" if target.suffix.lower() == ".png" else ".jpg"
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if suffix == ".jpg" else []
    done, data = cv2.imencode(suffix, np.ascontiguousarray(image[:, :, ::-1]), options)
    if not done:
        height, width = image.shape[:2]
        raise MediaError(f"{target} cannot be written: {width}x{height} pixels are too many for that format.")
    content = mark_image(data.tobytes()) if marked else data.tobytes()
    write_atomically(target, content, error=MediaError)
