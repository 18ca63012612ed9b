"""Still images and the frames of animations as our readers decode them, against Pillow."""

from __future__ import annotations

import io
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.core.media import Kind
from mediaml.media.reader import open_reader
from scripts.reliability.comparison import LEAST_DB, Finding, psnr

# Shared images of which Pillow is no reference, and why.
NO_REFERENCE = {
    "OK_tiff_float32_0_to_1.tif": "Pillow does not read float TIFFs of RGB",
    "tiff_float16.tif": "Pillow does not read float TIFFs of RGB",
    "tiff_float32_0_to_255.tif": "Pillow does not read float TIFFs of RGB",
    "tiff_12bit_in_16bit.tif": "Pillow does not read MaxSampleValue",
    "camera_raw_like.dng": "Pillow shows its thumbnail; mediaml refuses it",
    "xcsn0g01.png": "its checksum is wrong: mediaml refuses it, Pillow does not look",
    "xhdn0g08.png": "its checksum is wrong: mediaml refuses it, ffmpeg does not look",
    "x_interlaced_chck.png": "its checksum is wrong: mediaml refuses it, Pillow does not look",
}


def compare_image(path: Path) -> Iterator[Finding]:
    """Number, displayed size and colours of the frames; both refuse it, or none does.

    What Pillow does not know is decoded by ffmpeg.
    """
    expected, ours, refusals = [], [], []
    try:
        expected = list(_by_pillow(path)) if _is_known(path) else [_by_ffmpeg(path)]
    except (OSError, SyntaxError, ValueError, subprocess.CalledProcessError) as error:
        refusals.append(f"Pillow: {error}")
    try:
        with open_reader(path, Kind.IMAGE) as reader:
            ours = [frame.image for frame in reader.frames()]
    except MediaError as error:
        refusals.append(f"mediaml: {error}")
    if refusals:
        yield Finding("still refused", len(refusals) == 2, "; ".join(refusals))
        return
    yield Finding("still frames", len(ours) == len(expected), f"{len(ours)} frames, Pillow {len(expected)}")
    pairs = list(zip(ours, expected, strict=False))
    sizes = [(mine.shape[:2], theirs.shape[:2]) for mine, theirs in pairs]
    wrong = [f"{mine} instead of {theirs}" for mine, theirs in sizes if mine != theirs]
    yield Finding("still size", not wrong, wrong[0] if wrong else f"{sizes[0][0][1]}x{sizes[0][0][0]}")
    worst = min(psnr(mine, theirs) for mine, theirs in pairs)
    yield Finding("still colours", worst >= LEAST_DB, f"colours {worst:.1f} dB over {len(pairs)} frames")


def _is_known(path: Path) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path):
            return True
    except (OSError, SyntaxError):
        return False


def _by_ffmpeg(path: Path) -> UInt8Array:
    written = ("-pix_fmt", "rgba", "-c:v", "png", "-f", "image2pipe", "-")
    call = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), *written]
    done = subprocess.run(call, capture_output=True, check=True)
    with Image.open(io.BytesIO(done.stdout)) as image:
        return _displayed(image)


def _by_pillow(path: Path) -> Iterator[UInt8Array]:
    with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
        for frame in ImageSequence.Iterator(image):
            yield _displayed(ImageOps.exif_transpose(frame) or frame)
            if image.format not in ("GIF", "PNG", "WEBP", "AVIF", "TIFF"):
                return  # The images of an icon are sizes of one, those behind a JPEG previews.


def _displayed(image: Image.Image) -> UInt8Array:
    """RGB over white, of 8 bits."""
    if image.mode.startswith("I"):
        grey = np.rint(np.asarray(image).astype(np.float64) / 257).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    pixels = np.asarray(image.convert("RGBA")).astype(np.float64)
    alpha = pixels[..., 3:] / 255
    return np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
