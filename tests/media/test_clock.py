"""All streams of a file on one clock, by ffprobe's times and by flashes and clicks that fall together."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import MediaError
from mediaml.core.frame import Frame
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.media.joints import Scan, StepWatch
from mediaml.media.reader import open_reader
from tests.support.media.annotated_clips import ffprobe, frame_times, nothing
from tests.support.media.annotated_video import write_annotated_video
from tests.support.media.flashes import heard, join, seen, write_flashes

FORMATS = [
    ("a.ts", "libx264", "aac"),
    ("a.ts", "libx264", "mp2"),
    ("a.ts", "mpeg2video", "ac3"),
    ("a.mpg", "mpeg2video", "mp2"),
    ("a.mkv", "libx264", "aac"),
]
WINDOWS = AudioInput(window_s=0.1, hop_s=0.02, fft_s=0.01, step_s=0.005, mels=32)


def read(path: Path, kind: Kind, start_s: float = 0.0) -> tuple[list[Frame], MediaInfo, DecodeAccounts]:
    with open_reader(path, kind, audio=WINDOWS if kind is Kind.AUDIO else None) as reader:
        return list(reader.frames(start_s)), reader.info, reader.accounts


def heard_by_reader(path: Path) -> list[float]:
    """The times of the clicks, from the windows that begin with one."""
    frames, _, _ = read(path, Kind.AUDIO)
    loud = []
    for frame in frames:
        assert frame.spectrogram is not None
        onset = frame.spectrogram.max(axis=0) > frame.spectrogram.max() - 3
        if frame.spectrogram.max() > -3 and onset.any():
            loud.append(frame.time_s + int(onset.argmax()) * WINDOWS.step_s)
    return [time_s for before_s, time_s in pairwise([-1.0, *loud]) if time_s - before_s > 0.3]


def seen_by_reader(path: Path) -> list[float]:
    frames, _, _ = read(path, Kind.VIDEO)
    return [frame.time_s for frame in frames if frame.image[20:100, 20:140].mean() > 150]


def start_of(path: Path, stream: str) -> float:
    """When a stream starts after the start of the file, by ffprobe."""
    entries = ["-select_streams", stream, "-show_entries", "format=start_time:stream=start_time"]
    found = ffprobe(path, *entries)
    return float(found["streams"][0]["start_time"]) - float(found["format"]["start_time"])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.flv"])
def test_audio_that_starts_late_is_late(tmp_path: Path, name: str) -> None:
    source = write_flashes(tmp_path / name, "libx264", "aac", late_s=1.2)
    for kind, stream in ((Kind.VIDEO, "v:0"), (Kind.AUDIO, "a:0")):
        frames, info, accounts = read(source, kind)
        assert frames[0].time_s == pytest.approx(start_of(source, stream), abs=0.002)
        assert info.start_s == pytest.approx(start_of(source, stream), abs=0.002)
        assert (accounts.corrupt, accounts.gaps) == (0, 0)
    write_annotated_video(source, tmp_path / "copy.mp4", nothing)
    assert heard(tmp_path / "copy.mp4") == pytest.approx([1.48, 2.48], abs=0.07)
    assert seen(tmp_path / "copy.mp4")[1:] == pytest.approx(heard(tmp_path / "copy.mp4"), abs=0.02)


def test_images_that_start_late_are_late(tmp_path: Path) -> None:
    source = write_flashes(tmp_path / "a.ts", "libx264", "mp2")
    frames, info, _ = read(source, Kind.VIDEO)
    assert frames[0].time_s == info.start_s == pytest.approx(start_of(source, "v:0"), abs=1e-5)
    assert frames[0].time_s > 0
    again, _, _ = read(source, Kind.VIDEO, start_s=1.0)
    assert [(frame.index, frame.time_s) for frame in again] == [
        (frame.index, frame.time_s) for frame in frames if frame.time_s >= 1.0
    ]


@pytest.mark.parametrize(("name", "video", "audio"), FORMATS)
def test_parts_of_a_joined_recording_stay_in_sync(tmp_path: Path, name: str, video: str, audio: str) -> None:
    long = write_flashes(tmp_path / f"long-{name}", video, audio)
    short = write_flashes(tmp_path / f"short-{name}", video, audio, seconds=0.8)
    # FFmpeg reads no more than two Matroska files out of one.
    parts = [short, long] if name == "a.mkv" else [short, long, short, short]
    source = join(tmp_path / name, *parts)
    frames, _, accounts = read(source, Kind.VIDEO)
    assert len(frames) == sum(75 if part is long else 20 for part in parts)
    assert all(0.03 < frame.duration_s < 0.12 for frame in frames)
    assert accounts.corrupt == 0
    assert accounts.gaps >= len(parts) - 1
    flashes = seen_by_reader(source)
    assert len(flashes) == len(parts) + 2
    assert heard_by_reader(source) == pytest.approx(flashes, abs=0.02)

    copy = tmp_path / "copy.mp4"
    written = write_annotated_video(source, copy, nothing)
    assert written.dropped == ()
    assert [float(time) for time in frame_times(copy)] == pytest.approx(
        [frame.time_s for frame in frames], abs=1e-5
    )
    assert seen(copy) == pytest.approx(flashes, abs=1e-4)
    assert heard(copy) == pytest.approx(flashes, abs=0.02)
    packets = ffprobe(copy, "-show_entries", "packet=stream_index,dts_time")["packets"]
    for index in (0, 1):
        times = [float(packet["dts_time"]) for packet in packets if packet["stream_index"] == index]
        assert all(before < after for before, after in pairwise(times))


@pytest.mark.parametrize("kind", [Kind.VIDEO, Kind.AUDIO])
def test_parts_that_cannot_be_read_are_not_lost_without_a_word(tmp_path: Path, kind: Kind) -> None:
    part = write_flashes(tmp_path / "part.mkv", "libx264", "aac")
    with pytest.raises(MediaError, match="3 Matroska files"):
        read(join(tmp_path / "a.mkv", part, part, part), kind)


@pytest.mark.parametrize(("name", "video", "audio"), FORMATS[1:])
def test_a_joined_recording_from_a_time_on(tmp_path: Path, name: str, video: str, audio: str) -> None:
    part = write_flashes(tmp_path / f"part-{name}", video, audio)
    source = join(tmp_path / name, part, part)
    for kind in (Kind.VIDEO, Kind.AUDIO):
        whole, _, _ = read(source, kind)
        rest, _, accounts = read(source, kind, start_s=4.0)
        assert [(frame.index, frame.time_s) for frame in rest] == [
            (frame.index, frame.time_s) for frame in whole if frame.time_s >= 4.0
        ]
        assert accounts.gaps <= read(part, kind)[2].gaps


def test_a_clock_far_ahead_that_goes_back_to_the_start(tmp_path: Path) -> None:
    """FFmpeg takes the step back for an overflow of the counter and continues after 26 hours."""
    part = write_flashes(tmp_path / "part.ts", "libx264", "mp2")
    command = ["ffmpeg", "-v", "error", "-i", str(part), "-c", "copy", "-output_ts_offset", "500"]
    subprocess.run([*command, str(tmp_path / "later.ts")], check=True)
    source = join(tmp_path / "a.ts", tmp_path / "later.ts", part)
    frames, info, accounts = read(source, Kind.VIDEO)
    assert (len(frames), accounts.gaps, info.duration_s) == (150, 1, None)
    assert frames[-1].time_s < 6.1
    flashes = seen_by_reader(source)
    write_annotated_video(source, tmp_path / "copy.mp4", nothing)
    assert len(flashes) == 6
    assert heard(tmp_path / "copy.mp4") == pytest.approx(flashes, abs=0.02)


@pytest.mark.parametrize(("wrong", "lasting", "stretches"), [(-400, 1, 1), (9_000, 1, 1), (-400, 9, 2)])
def test_one_wrong_stamp_is_no_restart(wrong: int, lasting: int, stretches: int) -> None:
    scan = Scan(StepWatch(Fraction(1, 1000), by_dts=True))
    for number in range(50):
        packet = av.Packet(b"x")
        packet.time_base = Fraction(1, 1000)
        packet.dts = packet.pts = number * 40 + (wrong if 25 <= number < 25 + lasting else 0)
        scan.take(packet, number, 0)
    assert len(scan.stretches) == stretches
