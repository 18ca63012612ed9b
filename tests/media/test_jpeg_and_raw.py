"""JPEG with trailers, junk and damage; previews of camera raw."""

from __future__ import annotations

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from mediaml.core.errors import MediaError
from mediaml.core.media import Kind
from mediaml.media.image.reader import ImageReader
from mediaml.media.probe import probe
from mediaml.media.reader import open_reader
from mediaml.media.sniff import sniff_kind
from tests.support.media.image_reading import centres, only, read
from tests.support.media.images import (
    HEIGHT,
    WIDTH,
    dng,
    four_colours,
    jpeg,
    without_repeats,
)

RGB = four_colours()
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


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        (lambda rgb: imagecodecs.jpeg_encode(rgb.astype(np.uint16) * 16, bitspersample=12), "12-bit"),
        (lambda rgb: imagecodecs.ljpeg_encode(rgb[..., 1].astype(np.uint16) * 257), "16-bit"),
        (imagecodecs.jpegls_encode, "JPEG-LS"),
    ],
)
def test_a_whole_jpeg_of_another_kind_is_not_called_damaged(encode, said: str, tmp_path: Path) -> None:
    path = tmp_path / "medical.jpg"
    path.write_bytes(encode(np.full((48, 64, 3), 90, np.uint8)))
    with pytest.raises(MediaError, match=f"{said}.*not read here|not read here.*{said}") as error:
        read(path)
    assert "damaged" not in str(error.value)
