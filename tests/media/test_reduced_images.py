"""Images that do not fit in memory are decoded at a fraction of their size, and are the same picture."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import LimitError, MediaError
from mediaml.core.frame import Frame
from mediaml.media.image import png_strips
from mediaml.media.image.png import sound_png
from mediaml.media.image.reader import ImageReader
from mediaml.media.image.reduced import shrunk
from mediaml.media.limits import Limits

RNG = np.random.default_rng(5)
WAVES = np.cumsum(RNG.integers(0, 30, (101, 77, 4)), axis=1).astype(np.uint8)
DEEP = RNG.integers(0, 65536, (101, 77, 4)).astype(np.uint16)


def png(image: Image.Image, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **how)
    return file.getvalue()


def deep(channels: int) -> bytes:
    return bytes(cv2.imencode(".png", DEEP[..., :channels])[1])


RGB = Image.fromarray(WAVES[..., :3].copy())
GREY = Image.fromarray(WAVES[..., 0].copy())
KINDS = {
    "grey": png(GREY),
    "one bit": png(GREY.convert("1")),
    "grey and alpha": png(Image.fromarray(WAVES[..., :2].copy(), "LA")),
    "rgb": png(RGB),
    "rgb with a transparent colour": png(RGB, transparency=tuple(int(v) for v in WAVES[0, 0, :3])),
    "rgba": png(Image.fromarray(WAVES)),
    "palette of 4 bits": png(RGB.quantize(13)),
    "palette with transparency": png(RGB.quantize(200), transparency=3),
    "grey of 16 bits": deep(1),
    "rgb of 16 bits": deep(3),
    "rgba of 16 bits": deep(4),
}


def first(path: Path, decoded_bytes: int | None = None) -> tuple[Frame, tuple[str, ...]]:
    with ImageReader(path, limits=Limits(decoded_bytes=decoded_bytes)) as reader:
        frames = list(reader.frames())
        assert len(frames) == 1
        return frames[0], reader.accounts.notes


def whole(data: bytes, folder: Path) -> UInt8Array:
    path = folder / "part.png"
    path.write_bytes(data)
    return first(path)[0].image


@pytest.mark.parametrize("kind", KINDS)
def test_strips_of_a_png_are_its_rows(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_strips, "STRIP_BYTES", 9000)
    data = sound_png(KINDS[kind])
    parts = [whole(part, tmp_path) for part in png_strips.png_strips(data, 4)]
    assert len(parts) > 1
    assert all(len(part) % 4 == 0 for part in parts[:-1])
    assert np.array_equal(np.concatenate(parts), whole(KINDS[kind], tmp_path))


@pytest.mark.parametrize("factor", [1, 2, 3, 8])
def test_blocks_are_averaged(factor: int) -> None:
    image = WAVES[..., :3]
    strips = [image[top : top + 24] for top in range(0, 101, 24)]
    height, width = -(-101 // factor), -(-77 // factor)
    edges = ((0, height * factor - 101), (0, width * factor - 77), (0, 0))
    blocks = np.pad(image, edges, "edge").reshape(height, factor, width, factor, 3)
    assert np.abs(shrunk(strips, 77, 101, factor) - blocks.mean(axis=(1, 3))).max() <= 0.51


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A ramp of 1203 x 901 with a white square at 300..420, 600..720."""
    y, x = np.mgrid[0:901, 0:1203]
    image = np.stack([x // 8, y // 8, (x + y) // 16], -1).astype(np.uint8)
    image[600:720, 300:420] = 255
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(image).save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(image).save(tmp_path / "turned.jpg", quality=95, exif=_turned())
    Image.fromarray(image).save(tmp_path / "progressive.jpg", quality=95, progressive=True)
    return tmp_path


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize(
    ("name", "most", "factor"), [("a.jpg", 1 << 20, 2), ("a.jpg", 1 << 18, 4), ("a.png", 1 << 20, 2)]
)
def test_a_fraction_is_the_same_picture(
    scene: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int, factor: int
) -> None:
    monkeypatch.setattr(png_strips, "STRIP_BYTES", 10_000)
    frame, notes = first(scene / name, most)
    assert (frame.width, frame.height) == (-(-1203 // factor), -(-901 // factor))
    assert frame.scale == (1203 / frame.width, 901 / frame.height)
    assert (frame.media.width, frame.media.height) == (1203, 901)
    assert f"decoded at 1/{factor} of its size" in notes[0] and "--memory" in notes[0]
    full = first(scene / name)[0].image
    wanted = cv2.resize(full, (frame.width, frame.height), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(frame.image - wanted).mean() < 1.5


def test_a_turned_jpeg_stays_turned(scene: Path) -> None:
    frame, _ = first(scene / "turned.jpg", 1 << 20)
    assert (frame.width, frame.height) == (451, 602)
    assert frame.image[160, 451 - 330].min() > 250  # Of the square, turned clockwise.


def test_a_png_that_fits_by_strips_keeps_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 16 bits Pillow takes 7 bytes per pixel, strips take 3 and themselves."""
    monkeypatch.setattr(png_strips, "STRIP_BYTES", 100)
    path = tmp_path / "deep.png"
    path.write_bytes(KINDS["rgba of 16 bits"])
    frame, notes = first(path, 7 * 101 * 77 - 1)
    assert (frame.width, frame.height, frame.scale, notes) == (77, 101, (1.0, 1.0), ())
    assert np.array_equal(frame.image, first(path)[0].image)


@pytest.mark.parametrize("name", ["a.png", "progressive.jpg"])
def test_what_fits_in_no_way_is_refused_by_its_size(scene: Path, name: str) -> None:
    with pytest.raises(LimitError, match=r"1203x901 pixels takes \d MiB[\s\S]*--memory"):
        first(scene / name, 200_000)


def test_an_interlaced_png_is_refused(tmp_path: Path) -> None:
    rows = np.zeros((1000, 1000, 3), np.uint8)
    header = sound_png(png(Image.fromarray(rows)))
    path = tmp_path / "a.png"
    body = b"IHDR" + header[16:28] + b"\1"
    path.write_bytes(header[:12] + body + struct.pack(">I", zlib.crc32(body)) + header[33:])
    with pytest.raises(LimitError):
        first(path, 100_000)


def test_a_cut_png_is_damaged_also_by_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_strips, "STRIP_BYTES", 100)
    whole_file = KINDS["rgba of 16 bits"]
    body = b"IHDR" + struct.pack(">II", 77, 140) + whole_file[24:29]
    path = tmp_path / "deep.png"
    path.write_bytes(whole_file[:12] + body + struct.pack(">I", zlib.crc32(body)) + whole_file[33:])
    with pytest.raises(MediaError, match="cut off"):
        first(path, 7 * 77 * 140 - 1)
