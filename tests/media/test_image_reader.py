"""Images become what a viewer shows.

The reference is OpenCV, which the reader does not use, or the image that was saved; Pillow for what OpenCV
cannot read.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from mediaml.core.errors import LimitError, MediaError
from mediaml.media.image.reader import ImageReader
from mediaml.media.limits import Limits
from mediaml.media.probe import probe
from tests.support.media.material import quartered

WIDTH, HEIGHT = 60, 40


def gradient() -> Image.Image:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return Image.fromarray(np.stack([x * 4, y * 6, (x + y) * 2], -1).astype(np.uint8))


def transparent() -> Image.Image:
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, :20], alpha[:, 20:40] = 255, 100
    image = gradient()
    image.putalpha(Image.fromarray(alpha))
    return image


def deep() -> Image.Image:
    return Image.fromarray(np.asarray(gradient())[..., 0].astype(np.uint16) * 257)


def shown(image: Image.Image) -> np.ndarray:
    """What a viewer shows of a Pillow image, over white: int [H, W, 3]."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        return np.repeat((np.asarray(image).astype(int) >> 8)[..., None], 3, 2)
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return np.asarray(white.convert("RGB")).astype(int)


def shown_by_opencv(path: Path) -> np.ndarray | None:
    """What OpenCV decodes, over white: int [H, W, 3] as stored; `None` where it cannot."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        return None
    levels = image / 257 if image.dtype == np.uint16 else image.astype(float)
    if levels.ndim == 2:
        return np.rint(np.repeat(levels[..., None], 3, 2)).astype(int)
    if levels.shape[2] == 4:
        alpha = levels[..., 3:] / 255
        levels = levels[..., :3] * alpha + 255 * (1 - alpha)
    return np.rint(levels[..., ::-1]).astype(int)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(path: Path, limits: Limits = Limits()) -> np.ndarray:  # noqa: B008
    """The first frame."""
    with ImageReader(path, limits=limits) as reader:
        frame = next(reader.frames())
        assert (frame.width, frame.height) == (reader.info.width, reader.info.height)
        assert (frame.index, frame.time_s) == (0, 0.0)
        assert (frame.duration_s == 0) == (reader.info.header_frames == 1)
        return frame.image


RGB, RGBA = gradient(), transparent()
FILES: dict[str, bytes] = {
    "jpeg": saved(RGB, "JPEG"),
    "progressive jpeg": saved(RGB, "JPEG", progressive=True),
    "grey jpeg": saved(RGB.convert("L"), "JPEG"),
    "cmyk jpeg": saved(RGB.convert("CMYK"), "JPEG", quality=95),
    "png": saved(RGB, "PNG"),
    "png alpha": saved(RGBA, "PNG"),
    "png grey alpha": saved(RGBA.convert("LA"), "PNG"),
    "png palette": saved(RGB.quantize(16), "PNG"),
    "png 1 bit": saved(RGB.convert("1"), "PNG"),
    "png 16 bit": saved(deep(), "PNG"),
    "webp": saved(RGB, "WEBP", lossless=True),
    "webp alpha": saved(RGBA, "WEBP", lossless=True),
    "bmp": saved(RGB, "BMP"),
    "bmp palette": saved(RGB.quantize(16), "BMP"),
    "bmp 1 bit": saved(RGB.convert("1"), "BMP"),
    "tiff": saved(RGB, "TIFF"),
    "tiff lzw": saved(RGB, "TIFF", compression="tiff_lzw"),
    "tiff jpeg": saved(RGB, "TIFF", compression="jpeg"),
    "tiff fax": saved(RGB.convert("1"), "TIFF", compression="group4"),
    "tiff alpha": saved(RGBA, "TIFF"),
    "tiff grey alpha": saved(RGBA.convert("LA"), "TIFF"),
    "tiff cmyk": saved(RGB.convert("CMYK"), "TIFF"),
    "tiff 16 bit": saved(deep(), "TIFF"),
    "gif": saved(RGB, "GIF"),
    "gif alpha": saved(RGBA, "GIF"),
    "gif moving": saved(RGBA, "GIF", save_all=True, append_images=[RGB], disposal=2),
    "webp moving": saved(RGBA, "WEBP", save_all=True, append_images=[RGB], lossless=True),
    "png moving": saved(RGBA, "PNG", save_all=True, append_images=[RGB]),
    "avif": saved(RGB, "AVIF", quality=100),
    "avif alpha": saved(RGBA, "AVIF", quality=100),
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_pixel_is_shown_as_by_pillow(name: str, tmp_path: Path) -> None:
    path = tmp_path / "ohne Endung, aber äöü 猫"
    path.write_bytes(FILES[name])
    image = read(path)
    # Chroma upsampling and premultiplied alpha round differently, by a level.
    assert np.abs(image - shown(Image.open(path))).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(kind: str, orientation: int, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = orientation
    how: dict[str, Any] = {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": tags.tobytes()}
    path = tmp_path / "turned"
    path.write_bytes(saved(Image.fromarray(quartered(WIDTH, HEIGHT)), kind, **how))
    image, info = read(path), probe(path)
    expected = shown(Image.open(path))
    assert image.shape == expected.shape == (info.height, info.width, 3)
    rows, columns = (image.shape[0] // 4, -image.shape[0] // 4), (image.shape[1] // 4, -image.shape[1] // 4)
    for row in rows:
        for column in columns:
            assert np.abs(image[row, column] - expected[row, column]).max() < 10


def test_shared_orientations_look_the_same(assets: Path) -> None:
    folder = assets / "media/image/exif_orientation"
    for name in ("Landscape", "Portrait"):
        upright = read(folder / f"{name}_1.jpg").astype(int)
        for number in range(2, 9):
            turned = read(folder / f"{name}_{number}.jpg")
            assert turned.shape == upright.shape
            assert np.abs(turned[::16, ::16] - upright[::16, ::16]).mean() < 8


def test_pngsuite(assets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = bad = 0
    for path in sorted((assets / "media/image/pngsuite").rglob("*.png")):
        if path.name.startswith("x"):
            bad += 1
            with pytest.raises(MediaError) as caught:
                read(path)
            assert str(path) in caught.value.message
            continue
        image, good = read(path), good + 1
        assert capfd.readouterr().err == ""
        expected = shown_by_opencv(path)
        assert expected is not None, path.name
        if path.name != "F-exif-chunk-early.png":  # It is turned.
            assert np.abs(image - expected).max() <= 1, path.name
        capfd.readouterr()  # What libpng says to OpenCV.
    assert (good, bad) == (179, 22)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("name", FILES)
def test_half_a_picture_is_refused(name: str, part: float, tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes(FILES[name][: int(len(FILES[name]) * part)])
    with pytest.raises(MediaError) as caught:
        read(path)
    assert str(path) in caught.value.message
    assert len(str(caught.value).splitlines()) <= 2


def test_a_picture_with_something_behind_its_end_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "trailer.jpg"
    path.write_bytes(FILES["jpeg"] + b"camera maker's trailer" * 10)
    assert read(path).shape == (HEIGHT, WIDTH, 3)


def png_of_size(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    chunks = (header, data, b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of_size(65_535, 65_535))
    for refuse in (read, probe):
        with pytest.raises(LimitError, match="65535x65535"):
            refuse(path)
    path.write_bytes(png_of_size(200, 200))
    with pytest.raises(LimitError, match="200x200"):
        read(path, Limits(pixels=30_000))


def test_no_pixels(tmp_path: Path) -> None:
    path = tmp_path / "zero.png"
    path.write_bytes(png_of_size(0, 10))
    with pytest.raises(MediaError, match="no pixels"):
        read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"only text", "not an image"),
        (b"\xff\xd8\xff", "damaged or cut off"),
        (b"\x89PNG\r\n\x1a\n", "cut off"),
    ],
)
def test_what_is_no_picture(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=said):
        read(path)


def test_a_size_limit_on_files(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(FILES["png"])
    with pytest.raises(LimitError, match="bytes"):
        read(path, Limits(image_bytes=10))


def test_profiles_do_not_change_the_numbers(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "profile.png"
    path.write_bytes(saved(RGB, "PNG", icc_profile=profile))
    np.testing.assert_array_equal(read(path), np.asarray(RGB))


def test_a_vanished_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not exist"):
        ImageReader(tmp_path / "gone.png")
    if os.geteuid() != 0:
        path = tmp_path / "secret.png"
        path.write_bytes(FILES["png"])
        path.chmod(0)
        with pytest.raises(MediaError, match="permission"):
            ImageReader(path)
