"""Variants of image formats that a decoder may show wrongly or refuse; the right pixels are those saved."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image, ImageOps

from mediaml.core.errors import LimitError, MediaError
from mediaml.core.media import Kind
from mediaml.media.limits import Limits
from mediaml.media.probe import probe
from mediaml.media.sniff import sniff_kind
from tests.support.media.image_reading import centres, only, read
from tests.support.media.images import (
    HEIGHT,
    WIDTH,
    four_colours,
    old_style_jpeg_tiff,
    one_bit_palette_tiff,
    os2_bmp,
    tiff,
    ycbcr_tiff,
)

RGB = four_colours()
GREY = RGB[..., 0]
UNIT = RGB / 255
DEEP = RGB.astype(np.uint16) * 257
ALPHA = np.full((HEIGHT, WIDTH, 1), 51, np.uint8)
FLAT = np.rint(RGB * 0.2 + 255 * 0.8)


def associated(levels: np.ndarray, top: int, dtype: type) -> np.ndarray:
    alpha = np.full((HEIGHT, WIDTH, 1), top // 5)
    return np.concatenate([np.rint(levels / 255 * alpha), alpha], -1).astype(dtype)


def bits(image: np.ndarray, count: int) -> np.ndarray:
    most = (1 << count) - 1
    return np.rint(image / 255 * most).astype(np.uint8 if count <= 8 else np.uint16)


def shown_of(image: np.ndarray, count: int) -> np.ndarray:
    most = (1 << count) - 1
    return np.rint(np.rint(image / 255 * most) / most * 255)


def in_rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, 2)


TIFFS: dict[str, tuple[bytes, np.ndarray]] = {
    "planar": (tiff(np.moveaxis(RGB, -1, 0), planarconfig="separate"), RGB),
    "planar of 16 bits": (tiff(np.moveaxis(DEEP, -1, 0), planarconfig="separate"), RGB),
    "planar of 16 bits, LZW": (
        tiff(np.moveaxis(DEEP, -1, 0), planarconfig="separate", compression="lzw"),
        RGB,
    ),
    "big endian, 16 bits": (tiff(DEEP, byteorder=">"), RGB),
    "BigTIFF": (tiff(RGB, bigtiff=True), RGB),
    "tiles": (tiff(RGB, tile=(16, 16), compression="zlib"), RGB),
    "float16": (tiff(UNIT.astype(np.float16)), RGB),
    "float32": (tiff(UNIT.astype(np.float32)), RGB),
    "float32, predictor": (tiff(UNIT.astype(np.float32), compression="zlib", predictor=True), RGB),
    "float64": (tiff(UNIT), RGB),
    "uint32": (tiff((UNIT * (2**32 - 1)).astype(np.uint32)), RGB),
    "palette of 1 bit": (
        one_bit_palette_tiff(GREY > 100, ((10, 20, 30), (255, 128, 0))),
        np.where(in_rgb(GREY > 100), (255, 128, 0), (10, 20, 30)),
    ),
    "grey of 1 bit": (tiff(GREY > 100, photometric="minisblack"), in_rgb(GREY > 100) * 255),
    "grey of 2 bits": (
        tiff(bits(GREY, 2), photometric="minisblack", bitspersample=2),
        shown_of(in_rgb(GREY), 2),
    ),
    "grey of 4 bits": (
        tiff(bits(GREY, 4), photometric="minisblack", bitspersample=4),
        shown_of(in_rgb(GREY), 4),
    ),
    "grey of 12 bits, packed": (
        tiff(bits(GREY, 12), photometric="minisblack", bitspersample=12),
        in_rgb(GREY),
    ),
    "RGB of 10 bits, packed": (tiff(bits(RGB, 10), bitspersample=10), RGB),
    "white is 0": (tiff(255 - GREY, photometric="miniswhite"), in_rgb(GREY)),
    "white is 0, 16 bits": (tiff(65535 - DEEP[..., 0], photometric="miniswhite"), in_rgb(GREY)),
    "premultiplied": (tiff(associated(RGB, 255, np.uint8), extrasamples=["assocalpha"]), FLAT),
    "premultiplied, 16 bits": (tiff(associated(RGB, 65535, np.uint16), extrasamples=["assocalpha"]), FLAT),
    "alpha": (tiff(np.concatenate([RGB, ALPHA], -1), extrasamples=["unassalpha"]), FLAT),
    "grey and alpha": (
        tiff(
            np.concatenate([GREY[..., None], ALPHA], -1),
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=["unassalpha"],
        ),
        in_rgb(FLAT[..., 0]),
    ),
    "CMYK of 16 bits": (
        tiff(np.concatenate([65535 - DEEP, 0 * DEEP[..., :1]], -1), photometric="separated"),
        RGB,
    ),
    "old-style JPEG": (old_style_jpeg_tiff(RGB), RGB),
    **{name: (tiff(RGB, compression=name), RGB) for name in ("lzma", "lzw", "zstd", "packbits", "zlib")},
    "lzma, 16 bits": (tiff(DEEP, compression="lzma", predictor=True), RGB),
}


@pytest.mark.parametrize("name", TIFFS)
def test_tiff(name: str, tmp_path: Path) -> None:
    data, expected = TIFFS[name]
    path = tmp_path / "image.tif"
    path.write_bytes(data)
    assert np.abs(only(path) - expected).max() <= (12 if "JPEG" in name else 1)


@pytest.mark.parametrize("subsampling", [None, (2, 2), (2, 1)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_ycbcr_without_jpeg(subsampling: Any, orientation: int, tmp_path: Path) -> None:
    """Data units of 4:4:4, 4:2:0 and 4:2:2 as TIFF 6.0, section 21, orders them."""
    path = tmp_path / "image.tif"
    path.write_bytes(ycbcr_tiff(RGB, *(subsampling or (1, 1)), orientation=orientation))
    expected = np.rot90(RGB, -1) if orientation == 6 else RGB
    image = only(path)
    assert image.shape == expected.shape
    corners = [(4, 4), (4, -4), (-4, 4), (-4, -4)]
    for row, column in corners:
        assert np.abs(image[row, column] - expected[row, column].astype(int)).max() <= 3


@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_lzw_is_turned_once_on_every_page(orientation: int, predictor: bool, tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    how: dict[str, Any] = {"compression": "lzw", "predictor": predictor, "metadata": None}
    turned = [(274, "H", 1, orientation, True)]
    with tifffile.TiffWriter(path) as writer:
        for pixels in (RGB, GREY):
            kind = "rgb" if pixels.ndim == 3 else "minisblack"
            writer.write(pixels, photometric=kind, extratags=turned, **how)
    frames, notes = read(path)
    tags = Image.Exif()
    tags[0x0112] = orientation
    for frame, pixels in zip(frames, (RGB, in_rgb(GREY)), strict=True):
        image = Image.fromarray(pixels)
        image.info["exif"] = tags.tobytes()
        np.testing.assert_array_equal(frame, np.asarray(ImageOps.exif_transpose(image)))
    assert notes == ()


@pytest.mark.parametrize("mode", ["cielab", "icclab"])
def test_cielab(mode: str, tmp_path: Path) -> None:
    # Reference: L*, a* and b* (D50) of sRGB's red, from Bruce Lindbloom's calculator.
    path = tmp_path / "image.tif"
    lab = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    lab[:] = (round(54.29 * 2.55), 81, 70) if mode == "cielab" else (round(54.29 * 2.55), 81 + 128, 70 + 128)
    path.write_bytes(tiff(lab, photometric=mode))
    assert np.abs(only(path) - (255, 0, 0)).max() <= 6


@pytest.mark.parametrize(
    ("pixels", "how", "note"),
    [
        (RGB.astype(np.float32), {}, "0 is shown as black and 255 as white"),
        (bits(RGB, 12), {}, "read as 12 bits"),
        (RGB.astype(np.uint16) * 4, {}, "read as 10 bits"),
        (np.concatenate([RGB, RGB[..., :2]], -1), {"extrasamples": [0, 0]}, "2 of its 5 channels"),
        (
            np.concatenate([RGB, RGB[..., :2]], -1),
            {"photometric": "minisblack", "planarconfig": "contig"},
            "first 3 of its 5 channels",
        ),
    ],
)
def test_tiff_with_a_note(pixels: np.ndarray, how: dict[str, Any], note: str, tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    path.write_bytes(tiff(pixels, **how))
    (image,), notes = read(path)
    assert np.abs(image.astype(int) - RGB).max() <= 1
    assert len(notes) == 1 and note in notes[0]


def test_floats_are_scaled_by_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    stated = [(340, "f", 1, -1000.0, True), (341, "f", 1, 1000.0, True)]
    path.write_bytes(tiff((UNIT * 2000 - 1000).astype(np.float32), extratags=stated))
    assert np.abs(only(path) - RGB).max() <= 1


def test_floats_are_scaled_by_their_range_without_missing_data(tmp_path: Path) -> None:
    heights = np.tile(np.linspace(500, 3000, WIDTH), (HEIGHT, 1)).astype(np.float32)
    heights[0, 0], heights[0, 1], heights[0, 2] = np.nan, -9999, np.inf
    path = tmp_path / "heights.tif"
    path.write_bytes(tiff(heights, photometric="minisblack", extratags=[(42113, "s", 0, "-9999", True)]))
    (image,), notes = read(path)
    expected = np.rint(np.linspace(0, 255, WIDTH))
    assert np.abs(image[5, :, 0].astype(int) - expected).max() <= 1
    assert image[0, 0, 0] == image[0, 1, 0] == 0
    assert notes == ("its levels are scaled: 500 is shown as black and 3000 as white",)


def test_avif_of_10_bits(tmp_path: Path) -> None:
    path = tmp_path / "image.avif"
    write_deep_avif(path)
    assert np.abs(centres(only(path)) - centres(RGB)).max() <= 4


@contextmanager
def kept_scheduling() -> Iterator[None]:
    """SVT-AV1 gives root real-time priority, which every process started later would inherit."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def write_deep_avif(path: Path) -> None:
    """By FFmpeg: Pillow writes 8 bits only."""
    with kept_scheduling(), av.open(str(path), "w", format="avif") as container:
        stream: Any = container.add_stream("libsvtav1", rate=1)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p10le"
        stream.options = {"crf": "5"}
        stream.color_range = 2
        frame = av.VideoFrame.from_ndarray(RGB, format="rgb24")
        frame = frame.reformat(format="yuv420p10le", dst_colorspace="itu601", dst_color_range=2)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize("deep", [False, True])
def test_heic(deep: bool, tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    mode, pixels = ("RGB;16", DEEP) if deep else ("RGB", RGB)
    file = pillow_heif.from_bytes(mode, (WIDTH, HEIGHT), pixels.tobytes())
    file.save(str(path), quality=100, chroma=444)
    assert sniff_kind(path) is Kind.IMAGE
    assert np.abs(only(path) - RGB).max() <= 4


def test_a_turned_heic(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    tags = Image.Exif()
    tags[0x0112] = 6
    pillow_heif.from_pillow(Image.fromarray(RGB)).save(
        str(path), exif=tags.tobytes(), quality=100, chroma=444
    )
    info = probe(path)
    assert (info.width, info.height) == (HEIGHT, WIDTH)
    assert np.abs(only(path) - np.rot90(RGB, -1)).max() <= 4


@pytest.mark.parametrize("header", [12, 16])
def test_os2_bmp(header: int, tmp_path: Path) -> None:
    path = tmp_path / "image.bmp"
    path.write_bytes(os2_bmp(RGB, header))
    np.testing.assert_array_equal(only(path), RGB)
    path.write_bytes(os2_bmp(GREY, header))
    expected = np.stack([255 - GREY.astype(int), 0 * GREY, GREY], -1)
    np.testing.assert_array_equal(only(path), expected)


def test_gif_with_a_comment_that_is_no_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "image.gif"
    buffer = io.BytesIO()
    Image.fromarray(RGB).quantize(4).save(buffer, "GIF", comment="© Müller".encode("latin-1"))
    path.write_bytes(buffer.getvalue())
    assert b"\xa9 M\xfcller" in path.read_bytes()
    assert np.abs(only(path) - RGB).max() <= 1


def test_an_icon(tmp_path: Path) -> None:
    path = tmp_path / "favicon.ico"
    Image.fromarray(four_colours(32, 32)).save(path, sizes=[(16, 16), (32, 32)], bitmap_format="bmp")
    assert sniff_kind(path) is Kind.IMAGE
    np.testing.assert_array_equal(only(path), four_colours(32, 32))


@pytest.mark.parametrize("part", [0.6, 0.99])
@pytest.mark.parametrize("name", TIFFS)
def test_a_cut_tiff_is_refused(name: str, part: float, tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    path.write_bytes(TIFFS[name][0][: int(len(TIFFS[name][0]) * part)])
    with pytest.raises(MediaError):
        read(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_damaged_lzw_strip_is_refused(dtype: type, tmp_path: Path) -> None:
    """In a process of its own: the decoder may end it."""
    path = tmp_path / "damaged.tif"
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8).astype(dtype)
    data = bytearray(tiff(noise, compression="lzw", metadata=None))
    for at in range(len(data) // 2, len(data) // 2 + 4000, 7):
        data[at] ^= 0x55
    path.write_bytes(bytes(data))
    script = (
        "import sys; from pathlib import Path; from mediaml.media.image.reader import ImageReader\n"
        "next(ImageReader(Path(sys.argv[1])).frames())"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MediaError" in done.stderr and "it is damaged" in done.stderr


def test_a_cut_heic_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    pillow_heif.from_pillow(Image.fromarray(RGB)).save(str(path))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(MediaError):
        read(path)


def test_memory_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(deep_png(400, 300))
    with pytest.raises(LimitError, match=r"400x300 pixels takes 0 MiB[\s\S]*--max-decoded-bytes"):
        read(path, decoded_bytes=300_000)
    (image,), _ = read(path, decoded_bytes=900_000)
    assert image.shape == (300, 400, 3)
    with pytest.raises(ValueError, match="decoded_bytes"):
        Limits(decoded_bytes=0)


def deep_png(width: int, height: int) -> bytes:
    """RGBA of 16 bits, black and opaque; a small file whatever its size."""
    row = b"\0" + b"\0\0\0\0\0\0\xff\xff" * width
    chunks = (
        b"IHDR" + struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0),
        b"IDAT" + zlib.compress(row * height, 1),
        b"IEND",
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_a_large_deep_png_takes_little_more_than_its_pixels(tmp_path: Path) -> None:
    """In a process of its own: 4 bytes a pixel while it is decoded and 3 of the result, not 8 and copies."""
    path = tmp_path / "large.png"
    path.write_bytes(deep_png(4000, 4000))
    script = (
        "import re, sys; from pathlib import Path; from mediaml.media.image.reader import ImageReader\n"
        "def peak(): return int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "reader = ImageReader(Path(sys.argv[1])); before = peak(); frame = next(reader.frames())\n"
        "print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    taken = int(done.stdout) * 1024
    assert 4000 * 4000 * 3 < taken < 4000 * 4000 * 8


def test_what_a_library_logs_is_noted_for_the_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "image.tif"
    data = bytearray(tiff(RGB, metadata=None))
    entries = struct.unpack_from("<I", data, 4)[0]
    software = next(at for at in range(entries + 2, len(data), 12) if data[at : at + 2] == b"\x31\x01")
    struct.pack_into("<I", data, software + 8, 0x7FFFFFFF)  # The value of Software lies behind the end.
    path.write_bytes(bytes(data))
    (image,), notes = read(path)
    np.testing.assert_array_equal(image, RGB)
    assert len(notes) == 1
    assert capfd.readouterr().err == ""
