"""Image files whose pixels are known, in variants that common encoders do not write."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import tifffile
from PIL import Image

WIDTH, HEIGHT = 64, 48
# Left to right, top to bottom; as in a test chart, no level is 0 or 255.
COLOURS = ((200, 40, 40), (40, 200, 60), (50, 60, 220), (220, 200, 70))


def four_colours(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Four quarters of one colour each: uint8 RGB [height, width, 3]."""
    image = np.empty((height, width, 3), np.uint8)
    for at, colour in enumerate(COLOURS):
        rows = slice(0, height // 2) if at < 2 else slice(height // 2, height)
        columns = slice(0, width // 2) if at % 2 == 0 else slice(width // 2, width)
        image[rows, columns] = colour
    return image


def tiff(pixels: np.ndarray, **how: Any) -> bytes:
    """A TIFF of one page by tifffile."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **{"photometric": "rgb", **how})
    return buffer.getvalue()


def jpeg(pixels: np.ndarray, **how: Any) -> bytes:
    """A JPEG by Pillow, without chroma subsampling."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **{"quality": 95, "subsampling": 0, **how})
    return buffer.getvalue()


def old_style_jpeg_tiff(pixels: np.ndarray) -> bytes:
    """A TIFF of compression 6 (TIFF 6.0, section 22): one strip, which is a whole JPEG file."""
    data = jpeg(pixels)
    height, width = pixels.shape[:2]
    bits_at = 8 + 2 + 12 * 13 + 4
    strip_at = bits_at + 6
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, bits_at), (259, 3, 1, 6), (262, 3, 1, 6),
        (273, 4, 1, strip_at), (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1),
        (512, 3, 1, 1), (513, 4, 1, strip_at), (514, 4, 1, len(data)),
    ]  # fmt: skip
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + struct.pack("<I", 0)
    return head + struct.pack("<HHH", 8, 8, 8) + data


def ycbcr_tiff(pixels: np.ndarray, across: int, down: int, *, orientation: int = 1) -> bytes:
    """An uncompressed TIFF of YCbCr with one colour for `across` x `down` pixels (TIFF 6.0, section 21)."""
    height, width = pixels.shape[:2]
    ycc = np.asarray(Image.fromarray(pixels).convert("YCbCr"))
    units = ycc[..., 0].reshape(height // down, down, width // across, across).transpose(0, 2, 1, 3)
    light = units.reshape(height // down, width // across, down * across)
    body = np.concatenate([light, ycc[::down, ::across, 1:]], -1).tobytes()
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 0), (259, 3, 1, 1), (262, 3, 1, 6),
        (273, 4, 1, 0), (274, 3, 1, orientation), (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(body)),
        (284, 3, 1, 1), (530, 3, 2, across | down << 16), (531, 3, 1, 1), (532, 5, 6, 0),
    ]  # fmt: skip
    bits_at = 8 + 2 + 12 * len(entries) + 4
    places = {258: bits_at, 532: bits_at + 6, 273: bits_at + 6 + 48}
    table = b"".join(
        struct.pack("<HHII", tag, *rest, places.get(tag, value)) for tag, *rest, value in entries
    )
    reference = struct.pack("<12I", 0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + struct.pack("<I", 0)
    return head + struct.pack("<HHH", 8, 8, 8) + reference + body


def one_bit_palette_tiff(pixels: np.ndarray, colours: Sequence[tuple[int, int, int]]) -> bytes:
    """A TIFF of two colours, which tifffile does not write: a bilevel one with a palette."""
    levels = np.array(colours, np.uint16).T.ravel() * 257
    data = tiff(pixels, photometric="minisblack", extratags=[(320, "H", 6, tuple(levels.tolist()), True)])
    bilevel, palette = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 3))
    return data.replace(bilevel, palette)


def os2_bmp(pixels: np.ndarray, header: int = 12) -> bytes:
    """A BMP of OS/2: RGB [H, W, 3] in 24 bits, or grey [H, W] as a palette from blue to red.

    Args:
        header: 12 as OS/2 1.x writes it, with 3 bytes a colour; or 16, the short one of 2.x, with 4.
    """
    height, width = pixels.shape[:2]
    entry = 3 if header == 12 else 4
    palette = b"" if pixels.ndim == 3 else b"".join(bytes((i, 0, 255 - i, 0)[:entry]) for i in range(256))
    rows = pixels[::-1, :, ::-1] if pixels.ndim == 3 else pixels[::-1]
    bits, offset, body = 24 if pixels.ndim == 3 else 8, 14 + header + len(palette), rows.tobytes()
    head = b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset)
    return (
        head
        + struct.pack("<IHHHH" if header == 12 else "<IIIHH", header, width, height, 1, bits)
        + palette
        + body
    )


def dng(sensor: tuple[int, int], preview: np.ndarray | None, *, as_file: bool = False) -> bytes:
    """Camera raw as DNG keeps it: a thumbnail, and below it the sensor's values and maybe a preview.

    Args:
        sensor: width and height.
        as_file: the preview is a JPEG file at JPEGInterchangeFormat, as in NEF, ARW and PEF.
    """
    buffer = io.BytesIO()
    version: list[Any] = [(50706, 1, 4, bytes((1, 4, 0, 0)), True)]
    place: list[Any] = [(513, "I", 1, 0x7EADBEEF, True), (514, "I", 1, 0x7EADBEAF, True)] if as_file else []
    page = preview is not None and not as_file
    with tifffile.TiffWriter(buffer) as writer:
        thumbnail: dict[str, Any] = {"photometric": "rgb", "subfiletype": 1, "metadata": None}
        writer.write(four_colours(32, 24), **thumbnail, subifds=1 + page, extratags=version + place)
        cfa = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, bytes((0, 1, 1, 2)), True)]
        mosaic = np.full(sensor[::-1], 1000, np.uint16)
        writer.write(mosaic, photometric=32803, subfiletype=0, extratags=cfa, metadata=None)
        if page:
            writer.write(preview, **thumbnail, compression="jpeg")
    data = buffer.getvalue()
    if preview is None or not as_file:
        return data
    file = jpeg(preview)
    data = data.replace(struct.pack("<I", 0x7EADBEEF), struct.pack("<I", len(data)))
    return data.replace(struct.pack("<I", 0x7EADBEAF), struct.pack("<I", len(file))) + file


def without_repeats(frames: int, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """Frames of one level each, told apart by it: uint8 RGB."""
    return [np.full((height, width, 3), 40 + 50 * number, np.uint8) for number in range(frames)]


def animation(kind: str, frames: list[np.ndarray], delays_ms: list[int]) -> bytes:
    """An animated GIF, PNG, WEBP or AVIF by Pillow; lossless but for AVIF."""
    first, *others = [Image.fromarray(frame) for frame in frames]
    options: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}}
    buffer = io.BytesIO()
    first.save(buffer, kind, save_all=True, append_images=others, duration=delays_ms, **options.get(kind, {}))
    return buffer.getvalue()
