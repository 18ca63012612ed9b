"""Pictures come back from their files: frame by frame, close to what was written, or refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError, OutputError
from mediaml.core.picture_file import PictureFile
from mediaml.media.picture_reader import PictureReader
from mediaml.media.write.picture_writer import PictureWriter, Place


def scene(index: int, width: int = 96, height: int = 64) -> UInt8Array:
    """A slope of colours that moves, with an edge."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = (x * 2 + index * 3) % 256, 255 * y // height
    blue = np.where(x > width // 2 + index, 200, 40)
    smooth = np.stack([np.abs(red - 128) * 2 - 1, green, blue], axis=2)
    return np.clip(smooth, 0, 255).astype(np.uint8)


def psnr(one: UInt8Array, other: UInt8Array) -> float:
    error = np.square(one.astype(float) - other).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def written(folder: Path, pictures: dict[int, UInt8Array], *, moving: bool = True) -> tuple[PictureFile, ...]:
    writer = PictureWriter(Place(folder, 3, 4, 12, moving))
    for frame, picture in pictures.items():
        writer.add(frame, picture)
    return writer.close()


def test_pictures_of_a_video_come_back_in_any_order(tmp_path: Path) -> None:
    pictures = {frame: scene(frame) for frame in (600, 601, 605, 606, 660)}
    (file,) = written(tmp_path, pictures)
    assert (file.name, file.first, file.last) == (".pictures/3/4/000012.mkv", 600, 660)
    assert (file.width, file.height) == (96, 64)
    content = (tmp_path / file.name).read_bytes()
    assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    with PictureReader(tmp_path) as reader:
        for frame in (600, 601, 606, 660, 605, 600):
            read = reader.read(file, frame)
            assert read is not None and psnr(read, pictures[frame]) > 40
        assert reader.read(file, 602) is None


def test_any_player_reads_them(tmp_path: Path) -> None:
    (file,) = written(tmp_path, {frame: scene(frame) for frame in range(3)})
    with av.open(str(tmp_path / file.name)) as container:
        stream = container.streams.video[0]
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuvj444p")
    assert [psnr(image, scene(index)) > 35 for index, image in enumerate(shown)] == [True] * 3


def test_equal_pictures_give_equal_bytes(tmp_path: Path) -> None:
    pictures = {frame: scene(frame) for frame in range(40)}
    assert written(tmp_path / "a", pictures) == written(tmp_path / "b", pictures)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (97, 63)])
def test_every_size_can_be_written(tmp_path: Path, size: tuple[int, int]) -> None:
    pictures = {frame: np.full((size[1], size[0], 3), 40 * frame, np.uint8) for frame in range(4)}
    (file,) = written(tmp_path, pictures)
    with PictureReader(tmp_path) as reader:
        for frame, picture in pictures.items():
            read = reader.read(file, frame)
            assert read is not None and np.abs(read.astype(int) - picture).max() <= 2


def test_another_size_begins_another_file(tmp_path: Path) -> None:
    pictures = {0: scene(0), 1: scene(1), 2: scene(2, 32, 32), 3: scene(3)}
    files = written(tmp_path, pictures)
    assert [(Path(file.name).name, file.first, file.last, file.width) for file in files] == [
        ("000012.mkv", 0, 1, 96),
        ("000012-1.mkv", 2, 2, 32),
        ("000012-2.mkv", 3, 3, 96),
    ]


def test_pictures_of_images_are_lossless(tmp_path: Path) -> None:
    files = written(tmp_path, {0: scene(0), 1: scene(1, 5, 7)}, moving=False)
    assert [Path(file.name).name for file in files] == ["000012.png", "000012-1.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / files[1].name)), scene(1, 5, 7))
    with PictureReader(tmp_path) as reader:
        read = reader.read(files[0], 0)
    assert read is not None
    np.testing.assert_array_equal(read, scene(0))


def test_damage_is_named(tmp_path: Path) -> None:
    (file,) = written(tmp_path, {0: scene(0)})
    path = tmp_path / file.name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with PictureReader(tmp_path) as reader:
        with pytest.raises(OutputError, match="are missing or damaged"):
            reader.read(file, 0)
        path.unlink()
        with pytest.raises(OutputError, match="are missing or damaged"):
            reader.read(file, 0)


def test_what_is_abandoned_leaves_nothing(tmp_path: Path) -> None:
    writer = PictureWriter(Place(tmp_path, 1, 2, 0, True))
    writer.add(0, scene(0))
    writer.abandon()
    writer.add(1, scene(1))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_empty_picture_is_refused(tmp_path: Path) -> None:
    writer = PictureWriter(Place(tmp_path, 1, 2, 0, True))
    with pytest.raises(MediaError, match="frame 7 is empty"):
        writer.add(7, np.zeros((0, 4, 3), np.uint8))
