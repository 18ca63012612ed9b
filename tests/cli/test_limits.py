"""The limits on one file, as options: their defaults are the readers', and each error names its own."""

from __future__ import annotations

import struct
import zlib
from dataclasses import asdict

import pytest

from mediaml.cli.limits import LIMIT_OPTIONS, VIDEO_OPTIONS, limits_of
from mediaml.media.limits import Limits
from tests.support.media.files import write_image, write_square_video


def bomb(path, side):
    """A PNG of 140 bytes that claims `side` x `side` pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def test_the_defaults_in_help_are_those_of_the_readers():
    assert limits_of({option.field: option.default for option in LIMIT_OPTIONS}) == Limits()
    fields = [option.field for option in LIMIT_OPTIONS] + [field for _, field, _ in VIDEO_OPTIONS]
    assert {*fields, "image_frames", "decoder_bytes", "decode"} == set(asdict(Limits()))


@pytest.mark.parametrize(
    ("name", "refuse", "allow"),
    [
        ("a.png", ["--max-pixels", "1000"], ["--max-pixels", "0"]),
        ("a.png", ["--max-picture-bytes", "20"], ["--max-picture-bytes", "0"]),
        ("a.png", ["--max-decoded-bytes", "2000"], ["--max-decoded-bytes", "20000"]),
        ("a.mp4", ["--max-pixels", "15359"], ["--max-pixels", "15360"]),
        ("a.mp4", ["--max-duration", "1"], ["--max-duration", "2"]),
        ("two.mkv", ["--max-streams", "1"], ["--max-streams", "2"]),
    ],
)
def test_each_limit_refuses_one_file_by_its_option(mediaml, square_finder, tmp_path, name, refuse, allow):
    write_image(tmp_path / "good.png", 20, 20)
    write_image(tmp_path / "a.png", 40, 40)
    write_square_video(tmp_path / "a.mp4", frames=40)  # 160 x 96 for 1.6 s
    two_streams(tmp_path / "two.mkv", tmp_path / "a.mp4")
    command = ("run", "-p", "yolo", "-m", square_finder, name, "good.png", "-o", "out", "--no-annotate")
    said = mediaml(*command, *refuse)
    assert said.code == 1
    assert refuse[0] in said.err
    assert "1 of 2 files done" in said.err or "0 of 2" in said.err
    # Nothing is decoded to probe an image.
    assert mediaml("probe", name, *refuse).code == (0 if refuse[0] == "--max-decoded-bytes" else 1)
    again = mediaml(*command, *allow)
    assert again.code == 0, again.err
    assert mediaml("probe", name, *allow).code == 0


def two_streams(path, source):
    """The video twice in one file."""
    import av

    with av.open(str(source)) as read, av.open(str(path), "w") as container:
        stream = read.streams.video[0]
        copies = [container.add_stream_from_template(stream) for _ in range(2)]
        for packet in read.demux(stream):
            if packet.dts is not None:
                for copy in copies:
                    packet.stream = copy
                    container.mux(packet)


def test_a_bomb_is_refused_by_its_header(mediaml, square_finder, tmp_path):
    bomb(tmp_path / "bomb.png", 65_535)
    write_image(tmp_path / "good.png", 20, 20)
    said = mediaml("run", "-p", "yolo", "-m", square_finder, "bomb.png", "good.png", "-o", "out")
    assert said.code == 1
    assert "1 of 2 files done" in said.err
    assert "LimitError" in said.err and "65535x65535" in said.err and "--max-pixels" in said.err


@pytest.mark.parametrize(
    "typed",
    [["--max-pixels", "-1"], ["--analysis-bytes", "0"], ["--url-timeout", "0"], ["--max-streams", "x"]],
)
def test_nonsense_is_a_usage_error(mediaml, typed):
    said = mediaml("run", "-p", "yolo", "a.png", *typed)
    assert said.code == 2 and typed[0] in said.err
