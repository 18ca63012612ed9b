"""PNG files of 8 bits are opened by their header alone, and shown as Pillow shows them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mediaml.media.image.decode import open_image
from mediaml.media.image.plain_png import PlainPng

BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def levels(mode: str, height: int = 13, width: int = 9) -> np.ndarray:
    random = np.random.default_rng(7).integers(0, 256, (height, width, BANDS[mode]), np.uint8)
    return random[..., 0] if mode == "L" else random


def png(mode: str, **how: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels(mode), mode).save(file, "png", **how)
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def over_white(image: Image.Image) -> np.ndarray:
    """What Pillow shows: composed over white in whole numbers, as its `alpha_composite` does."""
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))


@pytest.mark.parametrize("mode", BANDS)
def test_plain_files_are_opened_without_pillow(mode) -> None:
    kind, image = open_image(png(mode)) or ("", None)
    assert kind == "png"
    assert isinstance(image, PlainPng)
    assert (image.width, image.height, image.count, image.notes) == (9, 13, 1, [])
    ((index, time_s, duration_s, pixels),) = image.frames()
    assert (index, time_s, duration_s) == (0, 0.0, 0.0)
    shown = over_white(Image.open(io.BytesIO(png(mode)))).astype(int)
    assert np.abs(shown - pixels).max() <= ("A" in mode)  # rounding of alpha
    assert list(image.frames(1.0)) == []


@pytest.mark.parametrize("mode", BANDS)
def test_a_plain_file_too_large_for_memory_is_reduced(mode) -> None:
    _, image = open_image(png(mode)) or ("", None)
    assert isinstance(image, PlainPng)
    assert image.decoded_bytes == 3 * 9 * 13
    reduction = image.reduction(1 << 20)
    assert reduction is not None
    assert (reduction.decode() == next(image.frames())[3]).all()


def exif() -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = 6
    return made


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png("L", exif=exif()), id="turned"),
        pytest.param(png("L", transparency=3), id="one level transparent"),
        pytest.param(
            png("L", save_all=True, append_images=[Image.fromarray(255 - levels("L"))]), id="animated"
        ),
    ],
)
def test_what_asks_for_more_is_left_to_pillow(data) -> None:
    _, image = open_image(data) or ("", None)
    assert image is not None
    assert not isinstance(image, PlainPng)


@pytest.mark.parametrize(("at", "value"), [(24, 16), (25, 3), (27, 1)], ids=["depth", "palette", "filter"])
def test_another_header_is_left_to_pillow(at, value) -> None:
    data = bytearray(png("L"))
    data[at] = value
    assert PlainPng.of(bytes(data)) is None


def test_text_beside_the_pixels_changes_nothing() -> None:
    data = png("RGB")
    texts = chunk(b"tEXt", b"Comment\0made by hand") + chunk(b"gAMA", struct.pack(">I", 45455))
    _, image = open_image(data[:33] + texts + data[33:]) or ("", None)
    assert isinstance(image, PlainPng)
    assert (next(image.frames())[3] == levels("RGB")).all()


def test_damaged_pixels_are_told() -> None:
    data = png("L")
    head, end = data[:33], chunk(b"IEND", b"")
    for pixels, said in [(zlib.compress(b"\0" * 20), "cut off"), (b"no zlib", "damaged")]:
        _, image = open_image(head + chunk(b"IDAT", pixels) + end) or ("", None)
        assert isinstance(image, PlainPng)
        with pytest.raises(ValueError, match=said):
            next(image.frames())
