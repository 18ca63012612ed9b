"""Animations and pages are sequences of frames; truncated ones are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from mediaml.core.errors import MediaError
from mediaml.media.image.reader import ImageReader
from mediaml.media.probe import probe
from tests.support.media.image_reading import read
from tests.support.media.images import (
    HEIGHT,
    WIDTH,
    animation,
    four_colours,
    without_repeats,
)

RGB = four_colours()


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
