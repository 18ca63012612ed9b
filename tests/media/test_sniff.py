"""What our demuxers read is found by its content, wherever it begins; what is no media is left alone."""

from __future__ import annotations

import random
import sqlite3
import struct
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.media import Kind
from mediaml.media.probe import probe
from mediaml.media.reader import open_reader
from mediaml.media.sniff import sniff_claim, sniff_kind
from tests.support.media.ffmpeg import ffmpeg

NOISE = ("-f", "lavfi", "-i", "anoisesrc=r=48000:d=1:a=0.2:seed=1")
CLIP = ("-f", "lavfi", "-i", "testsrc=s=352x288:r=25:d=1")
BOTH = (*CLIP, *NOISE, "-pix_fmt", "yuv420p", "-shortest")
MPEG2 = ("-c:v", "mpeg2video", "-g", "5")

MADE: dict[str, Sequence[str]] = {
    "mxf": (*BOTH, *MPEG2),
    "dv": (*BOTH, "-s", "720x576", "-ac", "2", "-t", "0.2"),
    "gxf": (*BOTH, *MPEG2, "-s", "720x576"),
    "nut": (*BOTH, "-c:v", "mpeg4", "-c:a", "mp2"),
    "obu": (*CLIP, "-c:v", "libaom-av1", "-cpu-used", "8", "-t", "0.4"),
    "wtv": (*BOTH, *MPEG2, "-c:a", "mp2"),
    "swf": (*BOTH, "-ar", "44100", "-c:v", "flv1", "-c:a", "libmp3lame"),
    "drc": (*CLIP, "-c:v", "vc2", "-t", "0.4"),
    "h263": (*CLIP, "-c:v", "h263"),
    "dnxhd": (*CLIP, "-s", "1280x720", "-c:v", "dnxhd", "-b:v", "90M", "-pix_fmt", "yuv422p", "-t", "0.2"),
    "hevc": (*CLIP, "-c:v", "libx265", "-x265-params", "log-level=none"),
    "ts": (*BOTH, "-g", "5"),
    "m2ts": (*BOTH, "-g", "5"),
    "mpg": (*BOTH, *MPEG2),
    "vob": (*BOTH, *MPEG2),
    "m2v": (*CLIP, *MPEG2),
    "h264": (*CLIP, "-c:v", "libx264", "-g", "5"),
    "voc": (*NOISE, "-ar", "8000", "-c:a", "pcm_u8"),
    "thd": (*NOISE, "-c:a", "truehd", "-strict", "-2"),
    "latm": (*NOISE, "-c:a", "aac", "-f", "latm"),
    "mp3": (*NOISE, "-c:a", "libmp3lame"),
    "mp2": (*NOISE, "-c:a", "mp2"),
    "aac": (*NOISE, "-c:a", "aac"),
    "ac3": NOISE,
    "eac3": NOISE,
    "dts": (*NOISE, "-c:a", "dca", "-strict", "-2"),
}
AUDIO = {"voc", "thd", "latm", "mp3", "mp2", "aac", "ac3", "eac3", "dts"}
# What a receiver that tunes in late records.
BROADCAST = ("ts", "m2ts", "mpg", "vob", "m2v", "h263", "mp3", "mp2", "aac", "ac3", "eac3", "latm")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The content of a file of each format, rendered once."""
    folder, known = tmp_path_factory.mktemp("made"), dict[str, bytes]()

    def content(name: str) -> bytes:
        if name not in known:
            path = folder / f"a.{name}"
            ffmpeg(*MADE[name], path)
            known[name] = path.read_bytes()
        return known[name]

    return content


def kind_of(name: str) -> Kind:
    return Kind.AUDIO if name in AUDIO else Kind.VIDEO


def bare(folder: Path, content: bytes) -> Path:
    """A file whose name says nothing."""
    path = folder / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", MADE)
def test_what_the_demuxers_read_is_media(name: str, made: Callable[[str], bytes], tmp_path: Path) -> None:
    path = bare(tmp_path, made(name))
    assert sniff_kind(path) is kind_of(name)
    assert probe(path).kind is kind_of(name)
    with open_reader(path, kind_of(name), audio=AudioInput()) as reader:
        assert next(iter(reader.frames())).duration_s >= 0


@pytest.mark.parametrize("skipped", [777, 5_001])
@pytest.mark.parametrize("name", BROADCAST)
def test_a_stream_that_begins_inside_a_packet(
    name: str, skipped: int, made: Callable[[str], bytes], tmp_path: Path
) -> None:
    path = bare(tmp_path, made(name)[skipped:])
    assert sniff_kind(path) is kind_of(name)
    with open_reader(path, kind_of(name), audio=AudioInput()) as reader:
        assert next(iter(reader.frames())).time_s >= 0


@pytest.mark.parametrize("lead", [bytes(5_000), b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n"])
@pytest.mark.parametrize("name", ["ts", "mpg", "m2v", "mp3", "aac", "ac3"])
def test_zeros_or_text_before_a_stream(
    name: str, lead: bytes, made: Callable[[str], bytes], tmp_path: Path
) -> None:
    assert sniff_kind(bare(tmp_path, lead + made(name))) is kind_of(name)


def icon(size: int = 16, *, reserved: int = 0) -> bytes:
    image = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0) + bytes(size * size * 4)
    entry = struct.pack("<BBBBHHII", size, size, 0, reserved, 1, 32, len(image), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + image


def database(folder: Path) -> bytes:
    connection = sqlite3.connect(folder / "a.db")
    with connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(str(n) * 50,) for n in range(100)])
    connection.close()
    return (folder / "a.db").read_bytes()


def archive(folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "a.zip", "w") as file:
        file.writestr("a.txt", "text " * 1000)
    return (folder / "a.zip").read_bytes()


CODE = Path(__file__).read_bytes()
OTHERS: dict[str, Callable[[Path], bytes]] = {
    "nothing": lambda _: b"",
    "code": lambda _: CODE,
    "text with a word of a container": lambda _: b"ID3 tags, OggS pages, FLV and RIFF are words.\n" * 9,
    "text that begins as ID3": lambda _: b"ID3 is a tag of MP3 files.\n" * 9,
    "latin-1": lambda _: "Grüße aus Köln.\n".encode("latin-1") * 300,
    "utf-16": lambda _: ("Text in UTF-16.\r\n" * 300).encode("utf-16"),
    "subtitles": lambda _: b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 20,
    "ansi art": lambda _: b"\x1b[31mred\x1b[0m\r\n" * 50,
    "portable map": lambda _: b"P3\n2 2\n255\n" + b"1 2 3\n" * 4,
    "pdf": lambda _: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 20,
    "zip": archive,
    "sqlite": database,
    "damaged icon": lambda _: icon(reserved=1),
    "program": lambda _: Path(sys.executable).read_bytes()[:100_000],
    "zeros": lambda _: bytes(100_000),
    "ramp": lambda _: bytes(range(256)) * 400,
    "floats": lambda _: struct.pack("<5000f", *(n / 7 for n in range(5000))),
    "start code": lambda _: b"\0\0\x01" + bytes(300),
    "audio sync": lambda _: b"\xff\xfb\x90\x64" + b"no more of it " * 100 + bytes(50),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_media(name: str, tmp_path: Path) -> None:
    assert sniff_kind(bare(tmp_path, OTHERS[name](tmp_path))) is None


def test_an_icon_is_an_image(tmp_path: Path) -> None:
    assert sniff_kind(bare(tmp_path, icon())) is Kind.IMAGE


@pytest.mark.parametrize("size", [100, 5_000, 300_000])
def test_noise_is_no_media(size: int, tmp_path: Path) -> None:
    for seed in range(20):
        path = bare(tmp_path, random.Random(seed).randbytes(size))
        assert sniff_kind(path) is None, seed


@pytest.mark.parametrize("name", ["code", "pdf", "zip", "sqlite", "damaged icon", "program", "latin-1"])
def test_ffmpeg_is_not_asked_about_what_is_known(name: str, tmp_path: Path) -> None:
    assert sniff_claim(bare(tmp_path, OTHERS[name](tmp_path))) is None
