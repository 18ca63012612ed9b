"""Frames that a decoder had to patch up are counted, by its own flags; sound streams raise no alarm."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import av
import pytest

from mediaml.core.media import DecodeAccounts, Kind
from mediaml.media.reader import open_reader

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


def damaged(path: Path) -> Path:
    """A copy with noise amid the packets `HIT`."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data, noise = bytearray(path.read_bytes()), random.Random(3)
    for number in HIT:
        start, size = packets[number]
        assert start is not None
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
