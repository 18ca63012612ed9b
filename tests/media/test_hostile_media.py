"""Files that pretend: nothing but the named file is opened, and the error says what is wrong."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import numpy as np
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import LimitError, MediaError
from mediaml.core.media import Kind
from mediaml.media.limits import Limits
from mediaml.media.orientation import ROTATION, orientation_of_matrix, oriented
from mediaml.media.probe import probe
from mediaml.media.reader import open_reader
from mediaml.media.sniff import looks_like_media_name, sniff_kind
from mediaml.media.video.reader import VideoReader
from tests.support.media.material import add_tone, mux_tone, quartered, write_sound, write_video, write_wav

PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{url}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<Period><AdaptationSet><Representation><BaseURL>{url}</BaseURL></Representation></AdaptationSet>"
    "</Period></MPD>",
    "image sequence": "{url}",
    "asx": '<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
    "m3u": "#EXTM3U\n{url}\n",
    "rtsp": "rtsptext\nrtsp://127.0.0.1:{port}/",
}


@pytest.mark.parametrize("ending", [".mp4", ".avi", ".m3u8", ".jpg", ".wav"])
@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_playlist_reaches_neither_network_nor_files(name: str, ending: str, tmp_path: Path) -> None:
    canary = write_video(tmp_path / "canary.ts")
    path = tmp_path / f"video{ending}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        port = server.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/a.ts", str(canary), "canary.ts"):
            path.write_text(PLAYLISTS[name].format(url=url, port=port))
            assert sniff_kind(path) is None
            with pytest.raises(MediaError):
                probe(path)
            for kind in Kind:
                with (
                    pytest.raises(MediaError) as caught,
                    open_reader(path, kind, audio=AudioInput()) as reader,
                ):
                    list(reader.frames())
                assert len(str(caught.value).splitlines()) <= 2
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"This is a text that someone named video.mp4.\n" * 50, "no"),
        (b"%PDF-1.7\n", "no"),
        (b"PK\x03\x04" + b"\0" * 100, "no"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no"),
        (bytes(range(256)) * 20, "no"),
    ],
)
def test_what_is_no_media(content: bytes, said: str, kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    assert sniff_kind(path) is None
    with pytest.raises(MediaError, match=said) as caught:
        open_reader(path, kind, audio=AudioInput())
    assert str(path) in caught.value.message and caught.value.hint
    with pytest.raises(MediaError, match=said):
        probe(path)


@pytest.mark.parametrize("text", ["The free world of", "You skip this", "RIFF raff", "ID 3", "GIF", "BM is"])
def test_words_are_no_magic(text: str, tmp_path: Path) -> None:
    path = tmp_path / "README"
    path.write_text(text + " and so on. " * 30)
    assert sniff_kind(path) is None


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.mp4"):
        for refuse in (sniff_kind, probe, VideoReader):
            with pytest.raises(MediaError):
                refuse(path)


@pytest.mark.parametrize(
    "name", ["http:a.mp4", "-i.mp4", "a%03d.mp4", "猫 \n neu.mp4", "concat:a|b.mp4", "a\udcff.mp4"]
)
def test_odd_names_are_only_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write_video(tmp_path / "plain.mp4", [0, 40, 80])
    made.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert sniff_kind(Path(name)) is Kind.VIDEO
    with VideoReader(Path(name)) as reader:
        assert len(list(reader.frames())) == 3


@pytest.mark.parametrize(
    ("name", "promises"),
    [
        ("a.MP4", True),
        ("b.jpeg", True),
        ("c.Flac", True),
        (".png", True),
        ("README.txt", False),
        ("mp4", False),
        ("x.mp4.bak", False),
        ("code.ts", False),
        ("a.png\n", False),
    ],
)
def test_names_that_promise_media(name: str, promises: bool) -> None:
    assert looks_like_media_name(Path(name)) is promises


def test_kinds_without_an_ending(tmp_path: Path) -> None:
    made = {
        write_video(tmp_path / "a.mp4"): Kind.VIDEO,
        write_video(tmp_path / "a.mkv"): Kind.VIDEO,
        write_video(tmp_path / "a.ts"): Kind.VIDEO,
        write_video(tmp_path / "a.h264"): Kind.VIDEO,
        write_video(tmp_path / "a.flv"): Kind.VIDEO,
        write_video(tmp_path / "a.mpg", codec="mpeg2video"): Kind.VIDEO,
        write_sound(tmp_path / "a.mka", codec="aac"): Kind.AUDIO,
        write_sound(tmp_path / "a.mp4.m4a", codec="aac"): Kind.AUDIO,
        write_sound(tmp_path / "a.mp3", codec="libmp3lame"): Kind.AUDIO,
        write_sound(tmp_path / "a.aac", codec="aac"): Kind.AUDIO,
        write_sound(tmp_path / "a.aiff", codec="pcm_s16be"): Kind.AUDIO,
        write_sound(tmp_path / "a.ac3", codec="ac3", rate=48_000): Kind.AUDIO,
        write_sound(tmp_path / "a.opus", codec="libopus", rate=48_000): Kind.AUDIO,
    }
    for path, kind in made.items():
        bare = path.rename(tmp_path / f"bare {path.name.replace('.', ' ')}")
        assert sniff_kind(bare) is kind, path.name
        assert probe(bare).kind is kind


def test_too_many_streams(tmp_path: Path) -> None:
    import av

    path = tmp_path / "many.mka"
    with av.open(str(path), "w") as container:
        streams = [add_tone(container, "pcm_s16le", 8000, "mono") for _ in range(5)]
        for stream in streams:
            mux_tone(container, stream, 0.2)
    assert probe(path).audio_tracks == 5
    with pytest.raises(MediaError):
        probe(path, limits=Limits(streams=4))


def test_a_video_whose_frames_claim_to_be_huge_takes_no_memory(tmp_path: Path) -> None:
    """Motion JPEG: every frame has a header of its own, which says 65 500 x 65 500 here."""
    import psutil

    path = write_video(tmp_path / "bomb.avi", codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    start_of_frame, found = b"\xff\xc0\x00\x11\x08", 0
    while (found := data.find(start_of_frame, found)) >= 0:
        found += len(start_of_frame)
        data[found : found + 4] = struct.pack(">HH", 65_500, 65_500)
    path.write_bytes(data)
    before = psutil.Process().memory_info().rss
    with pytest.raises(MediaError), VideoReader(path) as reader:
        list(reader.frames())
    assert psutil.Process().memory_info().rss - before < 64 << 20


def test_limits_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="pixels"):
        Limits(pixels=0)
    Limits(pixels=None, streams=None, image_bytes=None).check_size("a", 10**6, 10**6)
    with pytest.raises(LimitError):
        Limits().check_size("a", 65_535, 65_535)


def test_metadata_that_is_not_utf8(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.zeros(16_000, np.float32), 16_000)
    title = b"INFOINAM" + struct.pack("<I", 4) + b"\xff\xfe\xfd\0"
    chunk = b"LIST" + struct.pack("<I", len(title)) + title
    data = path.read_bytes() + chunk
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    assert probe(path).duration_s == 1.0


def test_orientations_undo_each_other() -> None:
    image = quartered(6, 4)
    inverse = {6: 8, 8: 6}
    for orientation in ROTATION:
        there = oriented(image, orientation)
        np.testing.assert_array_equal(oriented(there, inverse.get(orientation, orientation)), image)


def test_any_matrix_has_an_orientation() -> None:
    assert orientation_of_matrix(struct.pack("=9i", *[0] * 9)) == 1
    slightly = struct.pack("=9i", 1000, 65_000, 0, -65_000, 1000, 0, 0, 0, 1 << 30)
    assert orientation_of_matrix(slightly) == 6
