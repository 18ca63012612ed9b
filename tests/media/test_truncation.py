"""A file that was cut is a failure by name, whatever its container; one that is whole never is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import MediaError
from mediaml.core.media import Kind
from mediaml.media.reader import open_reader
from tests.support.media.ffmpeg import ffmpeg

NOISE = ("-f", "lavfi", "-i", "anoisesrc=r=48000:d=2:a=0.2:seed=1")
CLIP = ("-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=2")
BOTH = (*CLIP, *NOISE, "-pix_fmt", "yuv420p")

AUDIO: dict[str, Sequence[str]] = {
    "a.mp3": ("-c:a", "libmp3lame", "-q:a", "4"),
    "cbr.mp3": ("-c:a", "libmp3lame", "-b:a", "64k"),
    "a.ogg": ("-c:a", "libvorbis"),
    "a.opus": ("-c:a", "libopus"),
    "flac.ogg": ("-c:a", "flac"),
    "a.flac": (),
    "a.wav": (),
    "rf64.wav": ("-rf64", "always"),
    "adpcm.wav": ("-c:a", "adpcm_ima_wav"),
    "a.aiff": (),
    "a.au": (),
    "a.caf": (),
    "alac.caf": ("-c:a", "alac"),
    "a.w64": (),
    "a.wma": (),
    "a.m4a": ("-movflags", "+faststart"),
    "late index.m4a": (),
    "a.mka": ("-c:a", "aac"),
    "a.wv": (),
    "a.tta": (),
    "a.voc": ("-ar", "8000", "-c:a", "pcm_u8"),
    "a.mp2": ("-c:a", "mp2"),
    "low.mp2": ("-ar", "22050", "-c:a", "mp2", "-b:a", "64k"),
    "a.dts": ("-c:a", "dca", "-strict", "-2"),
    "a.thd": ("-c:a", "truehd", "-strict", "-2"),
}
VIDEO: dict[str, Sequence[str]] = {
    "a.flv": (*BOTH, "-ar", "44100", "-c:v", "flv1", "-c:a", "libmp3lame"),
    "h264.flv": (*BOTH, "-c:v", "libx264", "-c:a", "aac"),
    "a.wmv": BOTH,
    "a.ogv": (*BOTH, "-c:v", "libtheora", "-c:a", "libvorbis"),
    "a.mp4": BOTH,
    "fast.mp4": (*BOTH, "-movflags", "+faststart"),
    "fragmented.mp4": (*BOTH, "-g", "10", "-movflags", "frag_keyframe+empty_moov"),
    "a.mkv": BOTH,
    "a.webm": (*BOTH, "-c:v", "libvpx", "-c:a", "libopus"),
    "a.avi": BOTH,
    "a.ts": BOTH,
    "a.m2ts": BOTH,
    "a.mpg": (*BOTH, "-c:v", "mpeg2video"),
    "mpeg1.mpg": (*BOTH, "-c:v", "mpeg1video"),
    "a.vob": (*BOTH, "-c:v", "mpeg2video", "-c:a", "mp2"),
    "a.ivf": (*CLIP, "-c:v", "libvpx"),
    "a.y4m": (*CLIP, "-pix_fmt", "yuv420p", "-t", "1"),
    "444.y4m": (*CLIP, "-pix_fmt", "yuv444p", "-t", "1"),
    "odd.y4m": (*CLIP, "-vf", "crop=33:21", "-pix_fmt", "yuv420p"),
    "10 bit.y4m": (*CLIP, "-pix_fmt", "yuv422p10le", "-strict", "-1", "-t", "1"),
    "a.mxf": (*BOTH, "-c:v", "mpeg2video"),
    "a.dv": (*BOTH, "-s", "720x576", "-ac", "2", "-t", "0.4"),
    "a.swf": (*BOTH, "-ar", "44100", "-c:v", "flv1", "-c:a", "libmp3lame"),
}
MADE = {name: (Kind.AUDIO, (*NOISE, *how)) for name, how in AUDIO.items()} | {
    name: (Kind.VIDEO, how) for name, how in VIDEO.items()
}


@pytest.fixture(scope="module", params=MADE)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Kind]:
    """A file, and what it is read as."""
    kind, how = MADE[request.param]
    path = tmp_path_factory.mktemp("made") / request.param
    ffmpeg(*how, path)
    return path, kind


def read(path: Path, kind: Kind) -> float:
    """Where the last frame of a file ends, seconds."""
    end_s = 0.0
    with open_reader(path, kind, audio=AudioInput()) as reader:
        for frame in reader.frames():
            end_s = frame.time_s + frame.duration_s
        assert reader.accounts.corrupt == 0
    return end_s


def test_a_whole_file_is_whole(made: tuple[Path, Kind]) -> None:
    path, kind = made
    expected = {"a.y4m": 1, "444.y4m": 1, "10 bit.y4m": 1, "a.dv": 0.4}.get(path.name, 2)
    assert read(path, kind) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("part", [0.6, 0.95])
def test_a_cut_file_is_a_failure_by_name(made: tuple[Path, Kind], part: float, tmp_path: Path) -> None:
    path, kind = made
    cut = tmp_path / path.name
    data = path.read_bytes()
    size = int(len(data) * part)
    if any(size % unit < 20 for unit in (188, 2048, 144_000)):
        size -= 50  # into a packet: broadcasts may end between two of them
    cut.write_bytes(data[:size])
    with pytest.raises(MediaError, match=r"cut off|frame could be decoded|cannot be opened") as caught:
        read(cut, kind)
    assert str(cut) in caught.value.message


def audio(path: Path, *how: str) -> bytes:
    ffmpeg(*NOISE, *how, path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.wav", ("-c:a", "pcm_s16le")),
        ("a.au", ("-c:a", "pcm_s16be")),
        ("a.caf", ("-c:a", "pcm_s16be")),
    ],
)
def test_a_recorder_that_never_wrote_the_size_is_believed(
    name: str, how: Sequence[str], tmp_path: Path
) -> None:
    data = ffmpeg(*NOISE, *how, "-f", name.removeprefix("a."), "pipe:1")
    path = tmp_path / name
    path.write_bytes(data)
    assert read(path, Kind.AUDIO) == pytest.approx(2, abs=0.1)


def test_without_a_header_the_length_of_an_mp3_is_a_guess(tmp_path: Path) -> None:
    quiet = "aevalsrc=if(lt(t\\,3)\\,0\\,0.5*random(0)):s=44100:d=4"
    path = tmp_path / "a.mp3"
    ffmpeg("-f", "lavfi", "-i", quiet, "-c:a", "libmp3lame", "-q:a", "0", "-write_xing", "0", path)
    with open_reader(path, Kind.AUDIO, audio=AudioInput()) as reader:
        assert reader.info.duration_s is not None and reader.info.duration_s > 4.5
    assert read(path, Kind.AUDIO) == pytest.approx(4, abs=0.1)


def test_an_mp3_whose_header_counts_its_tags_is_whole(tmp_path: Path) -> None:
    data = audio(tmp_path / "a.mp3", "-c:a", "libmp3lame", "-q:a", "4", "-id3v2_version", "0")
    tag = b"ID3\x04\0\0\0\0\x50\0" + bytes(0x50 << 7)
    flags = data.index(b"Xing") + 4
    total = (len(data) + len(tag)).to_bytes(4, "big")
    path = tmp_path / "tagged.mp3"
    path.write_bytes(tag + data[: flags + 8] + total + data[flags + 12 :])
    assert read(path, Kind.AUDIO) == pytest.approx(2, abs=0.1)


def test_ogg_without_an_end_is_whole(tmp_path: Path) -> None:
    """A recorded broadcast: its last page does not say that it is the last."""
    data = audio(tmp_path / "a.ogg", "-c:a", "libvorbis")
    path = tmp_path / "live.ogg"
    for content, notes in ((data, 0), (data[: data.rindex(b"OggS")], 1)):
        path.write_bytes(content)
        with open_reader(path, Kind.AUDIO, audio=AudioInput()) as reader:
            assert len(list(reader.frames())) > 1
            assert len(reader.accounts.notes) == notes


def between_packets(path: Path) -> bytes:
    """A file up to a packet in its second half."""
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux() if packet.size and packet.pos]
    data = path.read_bytes()
    place = min(place for place in places if place > len(data) * 6 // 10)
    # A tag of FLV begins with 11 bytes and those of its codec, a frame of IVF with 12.
    return data[:place] if path.suffix != ".flv" else data[: data.rfind(b"\x09", 0, place)]


@pytest.mark.parametrize("name", ["a.flv", "h264.flv", "a.ivf"])
def test_a_file_that_counts_what_follows_is_cut_between_two_packets(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    ffmpeg(*VIDEO[name], path)
    path.write_bytes(between_packets(path))
    with pytest.raises(MediaError, match="cut off"):
        read(path, Kind.VIDEO)


@pytest.mark.parametrize("rate", ["30000/1001", "12", "1000/33"])
def test_ivf_counts_frames_or_ticks(rate: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ivf"
    ffmpeg("-f", "lavfi", "-i", f"testsrc=s=96x64:r={rate}:d=2", "-c:v", "libvpx", path)
    frames, data = 0, path.read_bytes()
    with open_reader(path, Kind.VIDEO) as reader:
        frames = len(list(reader.frames()))
    for stated in (frames, 0, 0xFFFFFFFF):
        path.write_bytes(data[:24] + stated.to_bytes(4, "little") + data[28:])
        assert read(path, Kind.VIDEO) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("kind", [Kind.VIDEO, Kind.AUDIO])
def test_of_joined_matroska_files_the_second_may_be_cut(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "joined.mkv"
    ffmpeg(*VIDEO["a.mkv"], path)
    data = path.read_bytes()
    path.write_bytes(data + data)
    assert read(path, kind) == pytest.approx(4, abs=0.1)
    path.write_bytes(data + data[: len(data) * 6 // 10])
    with pytest.raises(MediaError, match="cut off"):
        read(path, kind)


def test_raw_dirac_ends_with_a_whole_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.drc"
    ffmpeg(*CLIP, "-pix_fmt", "yuv420p", "-c:v", "vc2", "-strict", "-1", "-f", "dirac", path)
    with open_reader(path, Kind.VIDEO) as reader:
        assert len(list(reader.frames())) == 50
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10 | 1])
    with pytest.raises(MediaError, match="cut off"):
        read(path, Kind.VIDEO)


@pytest.mark.parametrize("name", ["a.mp2", "a.dts", "a.thd"])
@pytest.mark.parametrize("ending", [b"TAG" + bytes(125), bytes(40)])
def test_what_stands_behind_raw_audio_is_no_matter(name: str, ending: bytes, tmp_path: Path) -> None:
    data = audio(tmp_path / name, *AUDIO[name])
    (tmp_path / name).write_bytes(data + ending)
    with open_reader(tmp_path / name, Kind.AUDIO, audio=AudioInput()) as reader:
        assert list(reader.frames())


@pytest.mark.parametrize(
    ("name", "ending"), [("a.ts", b""), ("a.mpg", b"\0" * 100), ("a.mpg", b"\0\0\1\xb9")]
)
def test_a_broadcast_ends_where_it_ends(name: str, ending: bytes, tmp_path: Path) -> None:
    """Whole packets without a mark at their end: a recording that somebody stopped."""
    path = tmp_path / name
    ffmpeg(*VIDEO[name], path)
    data = path.read_bytes()
    unit = 188 if name == "a.ts" else 2048
    path.write_bytes(data[: len(data) * 6 // 10 // unit * unit] + ending)
    with open_reader(path, Kind.VIDEO) as reader:
        assert len(list(reader.frames())) > 20


@pytest.mark.parametrize(
    ("container", "how"),
    [
        ("flv", ("-c:v", "flv1")),
        ("matroska", ()),
        ("avi", ("-c:v", "mpeg4")),
        ("ivf", ("-c:v", "libvpx")),
        ("asf", ("-c:v", "wmv2")),
        ("mxf", ("-c:v", "mpeg2video")),
        ("mov", ("-movflags", "frag_keyframe+empty_moov")),
    ],
)
def test_a_stream_that_states_no_length_is_whole(container: str, how: Sequence[str], tmp_path: Path) -> None:
    """What a muxer writes that cannot go back to its header."""
    path = tmp_path / "live"
    path.write_bytes(ffmpeg(*CLIP, "-pix_fmt", "yuv420p", *how, "-f", container, "pipe:1"))
    assert read(path, Kind.VIDEO) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.mp4", b"\x12\x34\x56\x78" * 50),
        ("a.avi", b"\x12\x34\x56\x78" * 50),
        ("a.flv", bytes(100)),
        ("a.ts", bytes(1_000)),
        ("a.ts", b"tail"),
        ("a.mpg", bytes(1_000)),
    ],
)
def test_what_stands_behind_the_end_is_no_matter(name: str, ending: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    ffmpeg(*VIDEO[name], path)
    path.write_bytes(path.read_bytes() + ending)
    with open_reader(path, Kind.VIDEO) as reader:
        assert len(list(reader.frames())) >= 50


def test_what_is_cut_behind_the_audio_is_no_loss(tmp_path: Path) -> None:
    data = audio(tmp_path / "a.aiff", "-write_id3v2", "1", "-metadata", "title=" + "x" * 500)
    path = tmp_path / "short.aiff"
    path.write_bytes(data[:-100])
    assert read(path, Kind.AUDIO) == pytest.approx(2, abs=0.1)


def test_an_edit_list_leaves_a_file_whole(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    ffmpeg(*BOTH, "-g", "25", whole)
    for name, how in (("from.mp4", ()), ("fast.mp4", ("-movflags", "faststart"))):
        path = tmp_path / name
        ffmpeg("-ss", "0.7", "-i", whole, "-c", "copy", *how, path)
        for kind in (Kind.VIDEO, Kind.AUDIO):
            assert read(path, kind) == pytest.approx(1.3, abs=0.2)


@pytest.mark.parametrize("codec", ["ac3", "eac3"])
def test_a_last_frame_that_its_decoder_flags_is_counted(codec: str, tmp_path: Path) -> None:
    whole = audio(tmp_path / f"whole.{codec}", "-f", codec)
    path = tmp_path / f"cut.{codec}"
    for data, corrupt in ((whole, 0), (whole[: len(whole) * 6 // 10 | 1], 1)):
        path.write_bytes(data)
        with open_reader(path, Kind.AUDIO, audio=AudioInput()) as reader:
            assert list(reader.frames())
            assert reader.accounts.corrupt == corrupt
