"""Variants of image formats that a decoder may show wrongly or refuse; the right pixels are those saved."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
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
from mediaml.media.image.reader import ImageReader
from mediaml.media.limits import Limits
from mediaml.media.probe import probe
from mediaml.media.reader import open_reader
from mediaml.media.sniff import sniff_kind
from tests.support.media.images import (
    HEIGHT,
    WIDTH,
    animation,
    dng,
    four_colours,
    jpeg,
    old_style_jpeg_tiff,
    one_bit_palette_tiff,
    os2_bmp,
    tiff,
    without_repeats,
    ycbcr_tiff,
)

RGB = four_colours()
GREY = RGB[..., 0]
UNIT = RGB / 255
DEEP = RGB.astype(np.uint16) * 257
ALPHA = np.full((HEIGHT, WIDTH, 1), 51, np.uint8)
FLAT = np.rint(RGB * 0.2 + 255 * 0.8)


def read(path: Path, **limits: Any) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Every frame, and the notes."""
    with ImageReader(path, limits=Limits(**limits)) as reader:
        frames = [frame.image for frame in reader.frames()]
        assert reader.accounts.decoded == reader.accounts.expected == len(frames)
        return frames, reader.accounts.notes


def only(path: Path) -> np.ndarray:
    frames, notes = read(path)
    assert len(frames) == 1 and notes == ()
    return frames[0].astype(int)


def centres(image: np.ndarray) -> np.ndarray:
    """The middle of each quarter: at their borders, colours of half the resolution mix."""
    return np.stack([image[y : y + 8, x : x + 8] for y in (8, 32) for x in (12, 44)]).astype(int)


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


def write_deep_avif(path: Path) -> None:
    """By FFmpeg: Pillow writes 8 bits only."""
    with av.open(str(path), "w", format="avif") as container:
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


TRAILERS = {
    "maker's note": b"camera maker's trailer" * 10,
    "start of a scan": b"\xff\xda\x00\x08" + b"\x7f" * 100,
    "end mark": b"video" + b"\xff\xd9" + b"more" * 20,
    "both": b"\xff\xda junk \xff\xd9 junk \xff\xda",
    "video": b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8,
    "preview": jpeg(four_colours(16, 16)),
}


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("name", TRAILERS)
def test_a_jpeg_with_a_trailer_is_whole(name: str, progressive: bool, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    whole = jpeg(RGB, progressive=progressive)
    path.write_bytes(whole + TRAILERS[name])
    assert np.abs(only(path) - RGB).max() <= 12
    path.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(MediaError, match="cut off"):
        only(path)


def test_a_thumbnail_within_a_jpeg_does_not_end_it(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    thumbnail = jpeg(four_colours(16, 16))
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(thumbnail)) + thumbnail
    data = jpeg(RGB)
    path.write_bytes(data[:2] + segment + data[2:])
    assert np.abs(only(path) - RGB).max() <= 12
    path.write_bytes((data[:2] + segment + data[2:])[:-200])
    with pytest.raises(MediaError, match="cut off"):
        only(path)


def test_a_jpeg_with_junk_between_its_segments(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    data = jpeg(RGB)
    at = data.index(b"\xff\xdb")
    for junk, said in ((b"\0\1\2junk", "7 extraneous bytes before marker 0xdb"), (b"\xff\xff\xff", "")):
        path.write_bytes(data[:at] + junk + data[at:])
        with ImageReader(path) as reader:
            image = next(reader.frames()).image
            assert reader.accounts.corrupt == 0
            assert said in " ".join(reader.accounts.notes) and bool(said) == bool(reader.accounts.notes)
        assert np.abs(image.astype(int) - RGB).max() <= 12
        path.write_bytes((data[:at] + junk + data[at:])[:-60])
        with pytest.raises(MediaError):
            read(path)


def test_damage_within_a_jpeg_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A restart marker is missing: libjpeg goes on behind it, one part of the image is grey."""
    path = tmp_path / "photo.jpg"
    data = jpeg(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), restart_marker_blocks=4)
    at = data.index(b"\xff\xd1")
    path.write_bytes(data[:at] + data[at + 2 :])
    with ImageReader(path) as reader:
        next(reader.frames())
        assert reader.accounts.corrupt == 1
        assert len(reader.accounts.notes) == 1 and "libjpeg: Corrupt JPEG data" in reader.accounts.notes[0]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_ends_early_by_its_own_mark_is_refused(progressive: bool, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = jpeg(noise, progressive=progressive)
    path.write_bytes(data[: len(data) * 6 // 10] + b"\xff\xd9")
    with pytest.raises(MediaError, match="remature end"):
        read(path)


def test_a_jpeg_that_lacks_its_end_mark_only_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(RGB)[:-2])
    assert np.abs(only(path) - RGB).max() <= 12


def test_jpegs_in_a_row_are_a_video(tmp_path: Path) -> None:
    frames = [jpeg(frame) for frame in without_repeats(4)]
    path = tmp_path / "clip.mjpeg"
    path.write_bytes(b"".join(frames))
    assert sniff_kind(path) is Kind.VIDEO
    with open_reader(path, Kind.VIDEO) as reader:
        levels = [int(frame.image.mean()) for frame in reader.frames()]
    assert np.abs(np.subtract(levels, [40, 90, 140, 190])).max() <= 2
    path.write_bytes(frames[0])
    assert sniff_kind(path) is Kind.IMAGE
    path.write_bytes(frames[0] + jpeg(four_colours(16, 16)))
    assert sniff_kind(path) is Kind.IMAGE
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"".join(frames))
    assert sniff_kind(photo) is Kind.IMAGE


def test_camera_raw_is_not_judged_by_its_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "photo.dng"
    path.write_bytes(dng((WIDTH, HEIGHT), None))
    for refuse in (read, probe):
        with pytest.raises(MediaError, match=r"camera raw of 64x48.* preview is 32x24"):
            refuse(path)


@pytest.mark.parametrize("as_file", [False, True])
def test_camera_raw_is_read_by_its_full_size_preview(as_file: bool, tmp_path: Path) -> None:
    path = tmp_path / "photo.dng"
    path.write_bytes(dng((WIDTH + 2, HEIGHT + 4), RGB, as_file=as_file))
    (image,), notes = read(path)
    assert np.abs(centres(image) - centres(RGB)).max() <= 2
    assert notes == ("it is camera raw; its embedded preview of 64x48 is read",)
    info = probe(path)
    assert (info.width, info.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_a_sequence(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "moving"
    frames = without_repeats(4)
    path.write_bytes(animation(kind, frames, [100, 200, 50, 300]))
    assert probe(path).header_frames == 4
    with ImageReader(path) as reader:
        found = list(reader.frames())
        late = list(reader.frames(0.3))
    assert [frame.time_s for frame in found] == pytest.approx([0, 0.1, 0.3, 0.35])
    assert [frame.duration_s for frame in found] == pytest.approx([0.1, 0.2, 0.05, 0.3])
    for frame, expected in zip(found, frames, strict=True):
        assert np.abs(frame.image.astype(int) - expected).max() <= 2
    assert [frame.index for frame in late] == [2, 3]
    assert [frame.time_s for frame in late] == pytest.approx([0.3, 0.35])
    first, _ = read(path, image_frames=1)
    assert len(first) == 1 and np.abs(first[0].astype(int) - frames[0]).max() <= 2


def test_frames_are_composed_and_laid_over_white(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    small = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    small[:10, :10] = (0, 0, 255, 255)
    pictures = [Image.fromarray(RGB).convert("RGBA"), Image.fromarray(small)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], disposal=1, duration=0)
    (first, second), _ = read(path)
    expected = RGB.copy()
    expected[:10, :10] = (0, 0, 255)
    assert np.abs(first.astype(int) - RGB).max() <= 1
    assert np.abs(second.astype(int) - expected).max() <= 1
    with ImageReader(path) as reader:
        assert [frame.duration_s for frame in reader.frames()] == [0.1, 0.1]


def test_a_default_image_is_no_frame_of_an_animated_png(tmp_path: Path) -> None:
    path = tmp_path / "moving.png"
    still, *frames = [Image.fromarray(frame) for frame in without_repeats(3)]
    still.save(path, save_all=True, append_images=frames, default_image=True, duration=100)
    shown, _ = read(path)
    assert [int(frame.mean()) for frame in shown] == [90, 140]


def test_the_pages_of_a_tiff_are_a_sequence(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB, photometric="rgb", metadata=None)
        writer.write(four_colours(20, 30), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(four_colours(100, 30), photometric="rgb", subfiletype=2, metadata=None)
        writer.write(four_colours(30, 100), photometric="rgb", subfiletype=2, metadata=None)
    assert probe(path).header_frames == 3
    with ImageReader(path) as reader:
        found = list(reader.frames())
        late = list(reader.frames(1.5))
    assert [(frame.index, frame.time_s, frame.duration_s) for frame in found] == [
        (0, 0.0, 1.0),
        (1, 1.0, 1.0),
        (2, 2.0, 1.0),
    ]
    assert [(frame.width, frame.height) for frame in found] == [(WIDTH, HEIGHT), (100, 30), (30, 100)]
    np.testing.assert_array_equal(found[1].image, four_colours(100, 30))
    assert [frame.index for frame in late] == [2]


SEQUENCES = {kind: animation(kind, without_repeats(4), [100] * 4) for kind in ("GIF", "PNG", "WEBP", "AVIF")}


@pytest.mark.parametrize("part", [0.6, 0.97])
@pytest.mark.parametrize("kind", SEQUENCES)
def test_a_cut_sequence_is_refused(kind: str, part: float, tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes(SEQUENCES[kind][: int(len(SEQUENCES[kind]) * part)])
    with pytest.raises(MediaError):
        read(path)


@pytest.mark.parametrize("part", [0.6, 0.99])
def test_a_tiff_that_lost_pages_is_refused(part: float, tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    tifffile.imwrite(path, np.stack(without_repeats(4)), photometric="rgb")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(MediaError, match="cut off"):
        read(path)


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
