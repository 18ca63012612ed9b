"""Annotated pictures: upright, drawn on, in the format of their name, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from mediaml.core.errors import MediaError
from mediaml.core.media import Kind
from mediaml.core.prediction import Box, Detection, Label
from mediaml.media.write.annotated_image import write_annotated_image, write_annotated_sequence
from mediaml.ops.drawing import Overlay
from mediaml.ops.palette import color_of
from mediaml.outputs.render.paths import annotated_name
from tests.support.media.images import animation, four_colours, without_repeats

OVERLAY = Overlay((Label("still life", 0.4),), (Detection(Label("cup", 0.9), Box(20, 40, 60, 70)),))

CUP = Overlay((), (Detection(Label("cup", 0.9), Box(5, 20, 30, 40)),))


def photo(path: Path, width: int = 120, height: int = 80, orientation: int = 1) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height), (90, 90, 90)).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ("suffix", "format_", "tolerance"),
    [(".jpg", "JPEG", 90), (".JPEG", "JPEG", 90), (".png", "PNG", 0), (".webp", "WEBP", 90)],
)
def test_a_picture_is_written_in_the_format_of_its_name(
    tmp_path: Path, suffix: str, format_: str, tolerance: int
) -> None:
    target = tmp_path / "neu" / f"ä{suffix}"
    write_annotated_image(photo(tmp_path / "in.png"), target, OVERLAY)
    with Image.open(target) as written:
        assert (written.format, written.size) == (format_, (120, 80))
        pixels = np.asarray(written.convert("RGB")).astype(int)
    assert np.abs(pixels[55, 20:22] - color_of("cup")).max() <= tolerance
    assert np.abs(pixels[55, 40] - 90).max() <= 3
    assert np.abs(pixels[75, 100] - 90).max() <= 3
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_photo_is_written_upright(tmp_path: Path, orientation: int) -> None:
    source = photo(tmp_path / "in.jpg", orientation=orientation)
    write_annotated_image(source, tmp_path / "out.png", OVERLAY)
    with Image.open(tmp_path / "out.png") as written:
        assert written.size == ((120, 80) if orientation == 3 else (80, 120))
        assert not written.getexif().get(0x0112)
        assert written.getpixel((20, 60)) == color_of("cup")


def test_a_picture_takes_the_place_of_the_source_and_boxes_scale_with_it(tmp_path: Path) -> None:
    picture = np.full((160, 240, 3), 30, np.uint8)
    write_annotated_image(photo(tmp_path / "in.png"), tmp_path / "out.png", OVERLAY, picture=picture)
    with Image.open(tmp_path / "out.png") as written:
        assert written.size == (240, 160)
        assert written.getpixel((40, 120)) == color_of("cup")
        assert written.getpixel((80, 110)) == (30, 30, 30)
    assert (picture == 30).all()


def test_errors_name_the_thing_and_leave_no_half_file(tmp_path: Path) -> None:
    source = photo(tmp_path / "in.png")
    with pytest.raises(MediaError, match=r"out\.gif cannot be written"):
        write_annotated_image(source, tmp_path / "out.gif", OVERLAY)
    wide = photo(tmp_path / "wide.png", 17_000, 1)
    with pytest.raises(MediaError, match="17000x1 pixels"):
        write_annotated_image(wide, tmp_path / "out.webp", OVERLAY)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(MediaError, match=r"text\.png"):
        write_annotated_image(tmp_path / "text.png", tmp_path / "out.png", OVERLAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "text.png", "wide.png"]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("dog.jpg", Kind.IMAGE, "dog.annotated.jpg"),
        ("a/b.c/dog.JPEG", Kind.IMAGE, "a/b.c/dog.annotated.JPEG"),
        ("x.png", Kind.IMAGE, "x.annotated.png"),
        ("x.webp", Kind.IMAGE, "x.webp.annotated.png"),
        ("noext", Kind.IMAGE, "noext.annotated.png"),
        ("a/traffic-mini.mp4", Kind.VIDEO, "a/traffic-mini.annotated.mp4"),
        ("clip.mov", Kind.VIDEO, "clip.mov.annotated.mp4"),
        ("kätzchen.MP4", Kind.VIDEO, "kätzchen.annotated.MP4"),
    ],
)
def test_names_of_annotated_copies(name: str, kind: Kind, expected: str) -> None:
    assert annotated_name(name, kind) == expected


@pytest.mark.parametrize(
    ("name", "sequence", "expected"),
    [
        ("x.gif", "gif", "x.annotated.gif"),
        ("x.png", "png", "x.annotated.png"),
        ("x.TIFF", "tiff", "x.annotated.TIFF"),
        ("x.webp", "webp", "x.annotated.webp"),
        ("x.jpg", "gif", "x.jpg.annotated.gif"),
        ("x.avif", "avif", "x.avif.annotated.png"),
    ],
)
def test_names_of_copies_of_animations(name: str, sequence: str, expected: str) -> None:
    assert annotated_name(name, Kind.IMAGE, sequence=sequence) == expected


DELAYS = [100, 200, 50, 30_000]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_copy_of_an_animation_has_all_frames_and_delays(tmp_path: Path, kind: str) -> None:
    frames = without_repeats(4)
    source, target = tmp_path / "in", tmp_path / f"out.{kind.lower()}"
    source.write_bytes(animation(kind, frames, DELAYS))
    smaller = np.full((24, 32, 3), 30, np.uint8)
    drawn = [(Overlay(), None), (CUP, None), (Overlay(), smaller), (Overlay(), None)]
    write_annotated_sequence(source, target, lambda frame: drawn[frame.index])
    expected = [frames[0], None, np.full_like(frames[0], 30), frames[3]]
    with Image.open(target) as copy:
        assert (copy.format, copy.n_frames, copy.info["loop"]) == (kind, 4, 0)
        for index, (delay, pixels) in enumerate(zip(DELAYS, expected, strict=True)):
            copy.seek(index)
            shown = np.asarray(copy.convert("RGB")).astype(int)
            assert copy.info["duration"] == delay
            if pixels is None:
                assert np.abs(shown[30, 5:7] - color_of("cup")).max() <= 90
                assert np.abs(shown[40, 50] - frames[1][40, 50].astype(int)).max() <= 4
            else:
                assert np.abs(shown - pixels).max() <= 4
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_the_copy_of_a_tiff_has_all_pages(tmp_path: Path) -> None:
    pages = [four_colours(64, 48), four_colours(20, 30), four_colours(100, 30)]
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        for page in pages:
            writer.write(page, photometric="rgb", metadata=None)
    write_annotated_sequence(tmp_path / "in.tif", tmp_path / "out.tif", lambda _: (Overlay(), None))
    with Image.open(tmp_path / "out.tif") as copy:
        assert copy.n_frames == 3
        for index, page in enumerate(pages):
            copy.seek(index)
            np.testing.assert_array_equal(np.asarray(copy.convert("RGB")), page)


def test_a_sequence_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "in.gif").write_bytes(animation("GIF", without_repeats(2), [100, 100]))
    for target in (tmp_path / "out.jpg", tmp_path / "in.gif" / "out.gif"):
        with pytest.raises(MediaError, match=target.name):
            write_annotated_sequence(tmp_path / "in.gif", target, lambda _: (Overlay(), None))
    assert [path.name for path in tmp_path.iterdir()] == ["in.gif"]


def test_sound_has_no_annotated_copy() -> None:
    with pytest.raises(ValueError, match="audio"):
        annotated_name("a.wav", Kind.AUDIO)
