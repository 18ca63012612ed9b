"""Frames that a decoder had to patch up are counted, by its own flags; sound streams raise no alarm."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av
import pytest
from av.packet import Packet

from mediaml.core.media import DecodeAccounts, Kind
from mediaml.media.header_check import HeaderCheck
from mediaml.media.limits import Limits
from mediaml.media.reader import open_reader
from mediaml.media.video.video_pass import VideoPass

CODECS = {
    "h264.mp4": ["libx264"],
    "h264.ts": ["libx264", "-x264-params", "open-gop=1:keyint=12:min-keyint=12:bframes=3"],
    "mpeg2.mkv": ["mpeg2video"],
    "mpeg2.ts": ["mpeg2video", "-bf", "2"],
    "mpeg4.avi": ["mpeg4"],
    "prores.mov": ["prores_ks"],
    "mjpeg.avi": ["mjpeg"],
    "hevc.mp4": ["libx265", "-x265-params", "log-level=none:keyint=12:open-gop=1"],
    "hevc.ts": ["libx265", "-x265-params", "log-level=none:keyint=12:open-gop=1"],
    "av1.mp4": ["libaom-av1", "-usage", "realtime", "-cpu-used", "8"],
    "slices.h264": ["libx264", "-x264-params", "slices=4:aud=1:intra-refresh=1:bframes=3:b-pyramid=normal"],
    "interlaced.mp4": ["libx264", "-x264-params", "tff=1:weightp=2:ref=8"],
    "layers.hevc": ["libx265", "-x265-params", "log-level=none:temporal-layers=3:bframes=4:slices=2"],
    "vp9.webm": ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
}
FLAGGING = ["h264.mp4", "mpeg2.mkv", "mpeg4.avi", "prores.mov", "mjpeg.avi"]
HIT = (12, 30, 44)


def write(folder: Path, name: str) -> Path:
    path = folder / name
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2"]
    command = ["ffmpeg", "-v", "error", "-y", *source, "-g", "25", "-c:v", *CODECS[name], str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def packets_of(path: Path) -> list[tuple[int, int]]:
    """Offset and size of every packet."""
    with av.open(str(path)) as container:
        found = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    return [(start, size) for start, size in found if start is not None]


def damaged(path: Path) -> Path:
    """A copy with noise amid the packets `HIT`."""
    packets = packets_of(path)
    data, noise = bytearray(path.read_bytes()), random.Random(3)
    for number in HIT:
        start, size = packets[number]
        for at in range(start + size // 2, start + size // 2 + max(8, size // 8)):
            data[at] = noise.randrange(256)
    target = path.with_name(f"damaged-{path.name}")
    target.write_bytes(data)
    return target


def accounts_of(path: Path) -> DecodeAccounts:
    with open_reader(path, Kind.VIDEO) as reader:
        list(reader.frames())
        return reader.accounts


@pytest.mark.parametrize("name", CODECS)
def test_whole_streams_raise_no_alarm(tmp_path: Path, name: str) -> None:
    assert accounts_of(write(tmp_path, name)).corrupt == 0


@pytest.mark.parametrize("name", FLAGGING)
def test_damaged_frames_are_counted(tmp_path: Path, name: str) -> None:
    accounts = accounts_of(damaged(write(tmp_path, name)))
    # CABAC may take noise for valid symbols, which no decoder can notice.
    least = 2 if name == "h264.mp4" else len(HIT)
    assert least <= accounts.corrupt <= len(HIT)


@pytest.mark.parametrize("name", ["h264.ts", "mpeg2.ts", "hevc.ts"])
def test_a_broadcast_that_begins_amid_a_group_of_pictures_is_whole(tmp_path: Path, name: str) -> None:
    whole = write(tmp_path, name).read_bytes()
    # A multiple of 188, the size of a transport packet; PAT and PMT come again every 0.1 s or so.
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole[len(whole) // 3 // 188 * 188 :])
    accounts = accounts_of(cut)
    assert accounts.decoded > 15
    assert accounts.corrupt == 0


def test_damage_before_a_time_is_not_counted_again(tmp_path: Path) -> None:
    source = damaged(write(tmp_path, "h264.mp4"))
    with open_reader(source, Kind.VIDEO) as reader:
        list(reader.frames(1.0))
        assert 0 < reader.accounts.corrupt < len(HIT)


def damaged_headers(whole: Path) -> Iterator[Path]:
    """Copies with one byte changed near the start of packet 13."""
    start, _ = packets_of(whole)[13]
    for at in range(5, 15):
        data, path = bytearray(whole.read_bytes()), whole.with_name(f"{at}-{whole.name}")
        data[start + at] ^= 0xA5
        path.write_bytes(data)
        yield path


def decoded(path: Path) -> tuple[str, bool]:
    """The MD5 of every frame as ffmpeg decodes it, and whether it logs an error."""
    call = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "framemd5", "-"]
    done = subprocess.run(call, capture_output=True, check=True, text=True)
    return done.stdout, bool(done.stderr)


@pytest.mark.parametrize(
    ("name", "unseen"), [("h264.mp4", 1), ("mpeg2.mkv", 0), ("hevc.mp4", 0), ("av1.mp4", 0)]
)
def test_a_damaged_header_that_ffmpeg_reports_is_noticed(tmp_path: Path, name: str, unseen: int) -> None:
    whole = write(tmp_path, name)
    truth, _ = decoded(whole)
    reported = [path for path in damaged_headers(whole) if decoded(path)[1] and decoded(path)[0] != truth]
    accounts = [accounts_of(path) for path in reported]
    assert len(reported) > 1
    # H.264 that refers to another frame than the recorded one is valid to the decoder.
    assert sum(not (each.corrupt or each.gaps) for each in accounts) <= unseen


@pytest.mark.parametrize(("name", "header"), [("h264.mp4", 5), ("hevc.mp4", 6), ("av1.mp4", 0)])
def test_headers_are_read_field_by_field(tmp_path: Path, name: str, header: int) -> None:
    path = write(tmp_path, name)
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        check, verdicts = HeaderCheck(stream), []
        for number, packet in enumerate(packet for packet in container.demux(stream) if packet.size):
            data = bytearray(bytes(packet))
            if number == HIT[0]:
                data[header : header + 4] = b"\x7f\xff\xff\xff"
            altered = Packet(bytes(data))
            altered.is_keyframe = packet.is_keyframe
            verdicts.append(check.is_damaged(altered))
    assert verdicts[HIT[0]]
    assert sum(verdicts) == 1


def test_an_mpeg_frame_that_does_not_come_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "mpeg2.mkv")
    data = bytearray(path.read_bytes())
    start = data.index(b"\0\0\1\0", packets_of(path)[13][0])
    data[start + 3] = 0xB6  # A reserved start code in place of the picture's (ISO/IEC 13818-2, table 6-1).
    path.write_bytes(data)
    accounts = accounts_of(path)
    assert (accounts.decoded, accounts.corrupt) == (49, 1)


def test_damaged_mpeg4_is_the_same_in_every_reading(tmp_path: Path) -> None:
    """With frame threads FFmpeg gives other pixels, and flags other frames, from run to run."""
    path = tmp_path / "a.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=2", "-pix_fmt", "yuv420p", "-g", "25"]
    subprocess.run(["ffmpeg", "-v", "error", *source, "-c:v", "mpeg4", str(path)], check=True)
    data = bytearray(path.read_bytes())
    data[packets_of(path)[1][0] + 418] ^= 0xE8
    path.write_bytes(data)
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        flagged = sum(frame.is_corrupt for frame in container.decode(video=0))
    assert flagged > 0
    assert [accounts_of(path).corrupt for _ in range(8)] == [flagged] * 8
    # The race is not lost every time.
    with closing(VideoPass(path, Limits())) as opened:
        assert opened.stream.codec_context.thread_count == 1
