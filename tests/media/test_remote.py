"""Media behind URLs: from servers that serve well, badly or not at all, and nothing but what was typed."""

from __future__ import annotations

import socket
import time
import traceback
from pathlib import Path

import cv2
import numpy as np
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import LimitError, MediaError
from mediaml.core.location import Url
from mediaml.core.media import Kind
from mediaml.media.limits import Limits
from mediaml.media.probe import probe
from mediaml.media.reader import open_reader
from mediaml.media.sniff import sniff_kind
from tests.support.media.material import number_in, write_sound, write_video
from tests.support.media.streams import over_rtsp, over_tcp, streaming
from tests.support.server import Site, serving

SOON = Limits(silence_s=0.5)
TIMES_MS = tuple(range(0, 3000, 40))


@pytest.fixture
def site():
    with serving() as site:
        yield site


def numbers(url: Url, limits: Limits = SOON) -> list[int]:
    """What the frames of a video say of themselves."""
    assert sniff_kind(url, limits) is Kind.VIDEO
    with open_reader(url, Kind.VIDEO, limits=limits) as reader:
        return [number_in(frame.image) for frame in reader.frames()]


def noisy(path: Path) -> Path:
    """A video of several hundred kilobytes, with what its reader needs first at the start."""
    noise = np.random.default_rng(0).integers(0, 256, (50, 120, 160, 3), np.uint8)
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else None
    return write_video(path, range(0, 2000, 40), size=(160, 120), pictures=noise, container_options=options)


def refusal(url: Url, limits: Limits = SOON) -> str:
    """The error that reading a URL ends with, as a person sees it."""
    begun = time.monotonic()
    with pytest.raises(MediaError) as caught:
        numbers(url, limits)
    assert time.monotonic() - begun < 10
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    said = str(caught.value)
    assert len(said.splitlines()) == 2
    return said


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi"])
@pytest.mark.parametrize("way", ["well", "deaf"])
def test_a_video_reads_as_from_disk(site: Site, way: str, ending: str, tmp_path: Path) -> None:
    site.body = write_video(tmp_path / f"a.{ending}", TIMES_MS).read_bytes()
    site.behaviour["a"] = [way]
    url = Url(site.url("a"))
    assert numbers(url) == list(range(len(TIMES_MS)))
    assert probe(url, limits=SOON).width == 64


def test_a_seek_leads_to_the_same_frames(site: Site, tmp_path: Path) -> None:
    site.body = write_video(tmp_path / "a.mp4", TIMES_MS).read_bytes()
    for way in ("well", "deaf"):
        site.behaviour["a"] = [way]
        with open_reader(Url(site.url("a")), Kind.VIDEO, limits=SOON) as reader:
            frames = list(reader.frames(2.0))
        assert [(frame.index, number_in(frame.image)) for frame in frames] == [(n, n) for n in range(50, 75)]


def test_sound_and_pictures(site: Site, tmp_path: Path) -> None:
    site.bodies["sound"] = write_sound(tmp_path / "a.mp3", codec="libmp3lame").read_bytes()
    picture = np.full((30, 40, 3), 200, np.uint8)
    site.bodies["picture"] = cv2.imencode(".png", picture)[1].tobytes()
    sound, image = Url(site.url("sound")), Url(site.url("picture"))
    assert (sniff_kind(sound), sniff_kind(image)) == (Kind.AUDIO, Kind.IMAGE)
    with open_reader(sound, Kind.AUDIO, audio=AudioInput()) as reader:
        assert len(list(reader.frames())) > 0
    with open_reader(image, Kind.IMAGE) as reader:
        np.testing.assert_array_equal(next(reader.frames()).image, picture)
    info = probe(image)
    assert (info.width, info.height, info.path) == (40, 30, site.url("picture"))
    with pytest.raises(LimitError, match="--max-picture-bytes"):
        open_reader(image, Kind.IMAGE, limits=Limits(image_bytes=50))


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("404", "404"),
        ("503", "503"),
        ("circle", "cannot be read"),
        ("tofile", "cannot be read"),
        ("half", "cannot be"),
        ("short", "cannot be"),
        ("wrong", "cannot be"),
        ("stalled", "no data for too long"),
        ("endless", "cannot be"),
    ],
)
def test_a_server_that_misbehaves(site: Site, way: str, said: str, tmp_path: Path) -> None:
    site.body = noisy(tmp_path / "a.mp4").read_bytes()
    site.behaviour["a"] = [way]
    assert said in refusal(Url(site.url("a")))


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("way", ["half", "stalled"])
def test_what_breaks_off_in_the_middle_is_a_failure(
    site: Site, way: str, ending: str, tmp_path: Path
) -> None:
    site.body = noisy(tmp_path / f"a.{ending}").read_bytes()
    site.behaviour["a"] = ["well", "well", way]  # a look at its head, a look at its streams, the reading
    refusal(Url(site.url("a")))


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "rtmp", "tcp"])
def test_a_server_that_does_not_answer(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = Url(f"{scheme}://user:secret@127.0.0.1:{server.getsockname()[1]}/a")
        said = refusal(url)
        assert "no data for too long" in said and "--url-timeout" in said
        assert "secret" not in said and "***@127.0.0.1" in said


def test_a_server_that_is_not_there() -> None:
    said = refusal(Url("http://user:secret@127.0.0.1:1/a?token=secret"))
    assert "refused" in said and "secret" not in said


def test_a_password_reaches_the_server_and_nobody_else(site: Site, tmp_path: Path) -> None:
    site.body = write_video(tmp_path / "a.mp4").read_bytes()
    site.behaviour["a"] = ["locked"]
    url = Url(site.url("a").replace("://", "://user:secret@"))
    with open_reader(url, Kind.VIDEO) as reader:
        assert "secret" not in reader.info.path
    assert site.asked[-1][1]["authorization"] == "Basic dXNlcjpzZWNyZXQ="
    assert "401" in refusal(Url(url.text.replace("user:", "other:")))


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://h/a", "concat:///a|b", "subfile://x", "data://x"]
)
def test_other_schemes_are_refused(url: str) -> None:
    assert "are not supported" in refusal(Url(url))


def test_a_playlist_behind_a_url_is_followed_only_where_its_name_says_so(site: Site, tmp_path: Path) -> None:
    piece = write_video(tmp_path / "piece.ts", TIMES_MS)
    site.bodies["piece.ts"] = piece.read_bytes()
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXTINF:3.0,\n"
    for at, leads in ((site.url("piece.ts"), True), (str(piece), False), (f"file:{piece}", False)):
        playlist = f"{head}{at}\n#EXT-X-ENDLIST\n".encode()
        site.bodies.update(dict.fromkeys(("list.m3u8?x=1", "list.m3u8", "list.mp4"), playlist))
        if leads:
            assert numbers(Url(site.url("list.m3u8?x=1"))) == list(range(len(TIMES_MS)))
        else:
            refusal(Url(site.url("list.m3u8")))
        refusal(Url(site.url("list.mp4")))


def test_a_stream_over_rtsp(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.ts", TIMES_MS).read_bytes()
    asked: list[str] = []
    with streaming(over_rtsp(data, asked)) as port:
        found = numbers(Url(f"rtsp://127.0.0.1:{port}/live"), Limits(silence_s=2.0))
    # FFmpeg hands out what the last packet completes only when another one follows.
    assert found == list(range(len(found))) and len(found) >= len(TIMES_MS) - 3
    assert any(line.startswith("PLAY") for line in asked)


@pytest.mark.parametrize("kind", [Kind.VIDEO, Kind.AUDIO])
def test_a_live_stream_goes_on_from_now(kind: Kind, tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.ts", TIMES_MS, sound_s=3.0).read_bytes()
    with streaming(over_tcp(video)) as port:
        url = Url(f"tcp://127.0.0.1:{port}")
        passes = []
        for start_s in (0.0, 40.0):
            with open_reader(url, kind, audio=AudioInput(), limits=SOON) as reader:
                passes.append([(frame.index, frame.time_s) for frame in reader.frames(start_s)])
    assert len(passes[0]) > 4
    assert passes[1] == [(index, pytest.approx(time_s + 40.0)) for index, time_s in passes[0]]
