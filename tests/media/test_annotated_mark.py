"""Annotated copies are known again by what is in them, wherever they are and whatever they are called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import av
import pytest
from PIL import Image

from mediaml.media.annotated_mark import VIDEO_TAGS, is_annotated_copy
from mediaml.media.write.annotated_image import write_annotated_image, write_annotated_sequence
from mediaml.ops.drawing import Overlay
from tests.support.media.annotated_clips import ffprobe
from tests.support.media.files import write_square_video

NOTHING = Overlay((), ())
SUFFIXES = (".png", ".jpg", ".mp4", ".gif", ".webp", ".tif")


@pytest.fixture(scope="module")
def copies(tmp_path_factory) -> dict[str, Path]:
    """A copy in each format that runs write, and the clip that one was made from, by suffix."""
    folder = tmp_path_factory.mktemp("copies")
    Image.new("RGB", (60, 40), (9, 99, 199)).save(folder / "in.png")
    write_square_video(folder / "in.mp4", frames=30)
    made = {suffix: folder / f"copy{suffix}" for suffix in SUFFIXES}
    for suffix in SUFFIXES:
        if suffix in (".png", ".jpg"):
            write_annotated_image(folder / "in.png", made[suffix], NOTHING)
        elif suffix != ".mp4":
            write_annotated_sequence(folder / "in.png", made[suffix], lambda _: (NOTHING, None))
    _remux(folder / "in.mp4", made[".mp4"])
    return made | {"clip": folder / "in.mp4", "image": folder / "in.png"}


def _remux(source: Path, target: Path) -> None:
    """A clip with the tags of a copy, its index at the front."""
    options = {"movflags": "+faststart"}
    with av.open(str(source)) as clip, av.open(str(target), "w", container_options=options) as copy:
        copy.metadata.update(VIDEO_TAGS | {"comment": "of the source", "title": "x" * 5000})
        stream = copy.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_copy_is_known_under_any_name(copies, tmp_path, suffix) -> None:
    assert is_annotated_copy(copies[suffix])
    assert is_annotated_copy(shutil.copy(copies[suffix], tmp_path / "holiday.bin"))
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(copies[suffix].read_bytes()[:20])
    assert not is_annotated_copy(cut)


def test_other_readers_show_the_mark_and_decode_what_carries_it(copies) -> None:
    with Image.open(copies[".png"]) as png, Image.open(copies[".jpg"]) as jpeg:
        assert png.text["Software"].startswith("mediaml ")
        assert jpeg.info["comment"].startswith(b"mediaml ")
        assert jpeg.info["jfif"] == 0x101
        png.load()
        jpeg.load()
    tags = ffprobe(copies[".mp4"], "-show_format")["format"]["tags"]
    assert tags["encoder"].startswith("mediaml ")


def test_what_mediaml_did_not_write_has_no_mark(copies, tmp_path) -> None:
    (tmp_path / "x.annotated.png").write_bytes(copies["image"].read_bytes())
    (tmp_path / "x.annotated.mp4").write_bytes(copies["clip"].read_bytes())
    (tmp_path / "x.annotated.jpg").write_text("mediaml 1 annotated copy")
    os.mkfifo(tmp_path / "pipe.annotated.mp4")
    for path in (*tmp_path.iterdir(), tmp_path / "missing", tmp_path):
        assert not is_annotated_copy(path)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_file_made_from_a_copy_by_another_program_is_no_copy(copies, tmp_path) -> None:
    for arguments in (["-c", "copy"], ["-vf", "hflip"]):
        made = tmp_path / "edited.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", copies[".mp4"], *arguments, made], check=True)
        assert not is_annotated_copy(made)
    with Image.open(copies[".png"]) as image:
        for suffix in (".png", ".gif", ".webp", ".tif"):
            image.save(tmp_path / f"edited{suffix}")
            assert not is_annotated_copy(tmp_path / f"edited{suffix}")


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 0xFFFFFFFF])
def test_boxes_that_lead_nowhere_end(tmp_path, size) -> None:
    box = size.to_bytes(4, "big") + b"free"
    path = tmp_path / "odd.mp4"
    path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + box * 1000)
    assert not is_annotated_copy(path)
