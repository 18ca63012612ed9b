"""Videos: times, turns, shapes of pixels and colours; FFmpeg's program is the reference where it is there."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mediaml.core.errors import LimitError, MediaError
from mediaml.media.limits import Limits
from mediaml.media.probe import probe
from mediaml.media.video import video_pass
from mediaml.media.video.reader import VideoReader
from tests.support.media.ffmpeg import ffmpeg
from tests.support.media.material import number_in, quartered, write_video

FFMPEG, FFPROBE = shutil.which("ffmpeg"), shutil.which("ffprobe")
needs_ffmpeg = pytest.mark.skipif(
    not (FFMPEG and FFPROBE) and os.environ.get("CI") != "true", reason="no ffmpeg program on this machine"
)


def numbers_and_times(path: Path, start_s: float = 0.0) -> list[tuple[int, int]]:
    """What each frame shows and its time in milliseconds."""
    with VideoReader(path) as reader:
        return [(number_in(frame.image), round(frame.time_s * 1000)) for frame in reader.frames(start_s)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"bf": "3"}),
        ("a.mkv", {"bf": "3"}),
        ("a.mp4", {"bf": "3", "x264-params": "open-gop=1:keyint=8:min-keyint=8:scenecut=0"}),
        ("a.mkv", {"bf": "3", "x264-params": "open-gop=1:keyint=8:min-keyint=8:scenecut=0"}),
        ("a.ts", {"bf": "2"}),
    ],
)
def test_every_frame_at_its_time(name: str, options: dict[str, str], tmp_path: Path) -> None:
    times = [0, 40, 80, 100, 300, 340, 1000, *range(1040, 3000, 40)]
    path = write_video(tmp_path / name, times, options=options)
    full = numbers_and_times(path)
    assert full == [(number, time) for number, time in enumerate(times)]
    for start in (60, 300, 1041, 1700, 2960):
        assert numbers_and_times(path, start / 1000) == [pair for pair in full if pair[1] >= start]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_a_video_behind_the_audio_keeps_the_frames_that_the_decoder_holds_back(
    ending: str, tmp_path: Path
) -> None:
    clip = ("-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1")
    path = tmp_path / f"a.{ending}"
    ffmpeg(*clip, "-map", "0:a", "-map", "1:v", "-c:v", "libx264", "-bf", "3", "-c:a", "aac", path)
    with VideoReader(path) as reader:
        assert len(list(reader.frames())) == 25
        assert reader.accounts.corrupt == 0


def test_durations_follow_the_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [0, 40, 80, 500, 540])
    with VideoReader(path) as reader:
        durations = [round(frame.duration_s * 1000) for frame in reader.frames()]
    assert durations == [40, 40, 420, 40, 40]


def test_a_stream_that_starts_late_starts_at_zero(tmp_path: Path) -> None:
    times = list(range(1500, 2500, 40))
    for name in ("a.mp4", "a.mkv", "a.ts"):
        found = numbers_and_times(write_video(tmp_path / name, times))
        assert found == [(number, 40 * number) for number in range(25)]


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_turned_and_mirrored(turn: int, hflip: bool, tmp_path: Path) -> None:
    stored = quartered(64, 48)
    path = write_video(tmp_path / "a.mov", [0, 40], turn=turn, hflip=hflip, pictures=[stored] * 2)
    expected = np.rot90(stored, -turn // 90)
    expected = expected[:, ::-1] if hflip else expected
    with VideoReader(path) as reader:
        frame = next(iter(reader.frames()))
        info = reader.info
    assert (info.width, info.height) == (expected.shape[1], expected.shape[0])
    assert hflip or info.rotation == turn
    for image in (frame.image, frame.fitted(info.width, info.height, "stretch")):
        difference = np.abs(image.astype(int) - expected)
        assert np.median(difference) < 8
        assert (difference.max(axis=2) > 40).mean() < 0.15
    if FFMPEG:
        assert np.abs(image - by_ffmpeg(path, 0, image.shape).astype(int)).mean() < 4


@pytest.mark.parametrize(
    ("aspect", "turn", "size"),
    [
        (Fraction(4, 3), 0, (96, 48)),
        (Fraction(2, 3), 0, (72, 72)),
        (Fraction(4, 3), 90, (48, 96)),
        (Fraction(1), 0, (72, 48)),
    ],
)
def test_oblong_pixels_become_square(
    aspect: Fraction, turn: int, size: tuple[int, int], tmp_path: Path
) -> None:
    path = write_video(tmp_path / "a.mov", [0, 40], size=(72, 48), aspect=aspect, turn=turn)
    with VideoReader(path) as reader:
        frame = next(iter(reader.frames()))
    assert (frame.width, frame.height) == (reader.info.width, reader.info.height) == size
    assert frame.image.shape == (size[1], size[0], 3)
    assert frame.fitted(50, 50, "letterbox").shape == (50, 50, 3)


PATCHES = ((200, 30, 40), (20, 180, 60), (30, 50, 210), (240, 240, 240), (16, 16, 16), (128, 90, 160))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("colour_range", [1, 2], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 5, 9], ids=["bt709", "bt601", "bt2020"])
def test_colour_matrix_and_range(matrix: int, colour_range: int, pix_fmt: str, tmp_path: Path) -> None:
    """Six flat colours, encoded by the formulas of the standards, come back."""
    frames = [flat_frame(colour, matrix, colour_range, pix_fmt) for colour in PATCHES]
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, pix_fmt  # type: ignore[attr-defined]
        stream.codec_context.colorspace = matrix  # type: ignore[attr-defined]
        stream.codec_context.color_range = colour_range  # type: ignore[attr-defined]
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))  # type: ignore[attr-defined]
        container.mux(stream.encode(None))  # type: ignore[attr-defined]
    with VideoReader(path) as reader:
        for colour, frame in zip(PATCHES, reader.frames(), strict=True):
            for image in (frame.image, frame.fitted(16, 16, "stretch")):
                np.testing.assert_allclose(image.reshape(-1, 3).mean(0), colour, atol=2.5)


def flat_frame(colour: tuple[int, int, int], matrix: int, colour_range: int, pix_fmt: str) -> av.VideoFrame:
    """One colour in Y'CbCr by ITU-R BT.709-6, BT.601-7 or BT.2020-2."""
    kr, kb = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    red, green, blue = (level / 255 for level in colour)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
    values = (
        (16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr)
        if colour_range == 1
        else (255 * luma, 128 + 255 * cb, 128 + 255 * cr)
    )
    frame = av.VideoFrame(32, 32, pix_fmt)
    deep = pix_fmt.endswith("10le")
    for plane, value in zip(frame.planes, values, strict=True):
        level = round(value * 4) if deep else round(min(255.0, value))
        size = plane.buffer_size // (2 if deep else 1)
        plane.update(np.full(size, level, "<u2" if deep else "u1").tobytes())
    frame.colorspace, frame.color_range = matrix, colour_range
    return frame


def by_ffmpeg(path: Path, number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Frame `number` as FFmpeg's program converts it when it is asked to be exact."""
    flags = "accurate_rnd+full_chroma_int+full_chroma_inp+bilinear"
    how = f"-vf select=eq(n\\,{number}) -frames:v 1 -f rawvideo -pix_fmt rgb24 -sws_flags {flags} -"
    command = [FFMPEG or "", "-v", "error", "-i", str(path), "-map", "0:v:0", *how.split()]
    run = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(run.stdout, np.uint8).reshape(shape)


SHARED = (
    "bt709_full_range.mp4", "h264_10bits.mp4", "h265_10bits.mp4", "traffic-mini.mp4", "delayed_start.mp4",
    "video_0.mov", "video_90.mov", "video_180.mov", "video_270.mov", "var_fps_video.mp4", "av1_video.mkv",
)  # fmt: skip


@needs_ffmpeg
@pytest.mark.parametrize("name", SHARED)
def test_pixels_are_those_of_ffmpeg(name: str, assets: Path) -> None:
    path = assets / "media/video" / name
    with VideoReader(path) as reader:
        image = next(frame for frame in reader.frames() if frame.index == 2).image
    difference = image.astype(int) - by_ffmpeg(path, 2, image.shape)
    # Chroma is interpolated differently from release to release, which shows at hard edges only.
    assert np.median(np.abs(difference)) <= 1
    assert np.abs(difference.mean((0, 1))).max() < 1
    assert np.abs(difference).mean() < 4


@needs_ffmpeg
@pytest.mark.parametrize("name", [*SHARED, "flipping_a_pancake.mkv", "test.avi", "unordered.mov"])
def test_times_are_those_of_ffprobe(name: str, assets: Path) -> None:
    path = assets / "media/video" / name
    entries = "frame=best_effort_timestamp_time:stream=start_time"
    ask = f"-v error -select_streams v:0 -of csv=p=0 -show_entries {entries}"
    run = subprocess.run([FFPROBE or "", *ask.split(), str(path)], capture_output=True, check=True, text=True)
    lines = [line.strip(",") for line in run.stdout.split() if line.strip(",")]
    *stamps, start = (float(line) for line in lines if line != "N/A")
    with VideoReader(path) as reader:
        times = [frame.time_s for frame in reader.frames()]
    # A last frame without a stamp (AVI) is missing in FFmpeg's list.
    assert len(times) - len(stamps) in (0, 1)
    np.testing.assert_allclose(times[: len(stamps)], np.array(stamps) - start, atol=2e-6)


def damage_packet(path: Path, number: int) -> None:
    """Overwrite the NAL unit length of one packet, so that it cannot be decoded."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    position = packets[number].pos
    assert position is not None
    with path.open("r+b") as file:
        file.seek(position)
        file.write(b"\xff\xff\xff\xff")


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("number", [-1, -2, -4, 12])
def test_damage_costs_one_frame_and_loses_no_tail(
    number: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_pass, "THREADS", threads)
    path = write_video(tmp_path / "a.mp4", range(0, 1200, 40), options={"bf": "0", "g": "1"})
    damage_packet(path, number)
    with VideoReader(path) as reader:
        found = [number_in(frame.image) for frame in reader.frames()]
        accounts = reader.accounts
    expected = list(range(30))
    del expected[number]
    assert found == expected
    assert (accounts.expected, accounts.decoded, accounts.corrupt) == (30, 29, 1)


def test_gaps_are_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", [0, 40, 80, 1000, 1040])
    with VideoReader(path) as reader:
        list(reader.frames())
        assert reader.accounts.gaps == 1


def test_frames_of_two_threads_from_one_frame(tmp_path: Path) -> None:
    with VideoReader(write_video(tmp_path / "a.mp4", size=(320, 240))) as reader:
        frame = next(iter(reader.frames()))
    expected = frame.image
    wrong = []

    def ask() -> None:
        for _ in range(20):
            if not np.array_equal(frame.image, expected):
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_too_many_pixels(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    for refuse in (VideoReader, probe):
        with pytest.raises(LimitError, match="64x48"):
            refuse(path, limits=Limits(pixels=3000))
    with pytest.raises(LimitError, match="last"):
        VideoReader(path, limits=Limits(duration_s=0.5))
    oblong = write_video(tmp_path / "b.mp4", aspect=Fraction(10, 1))
    with pytest.raises(LimitError, match="640x48"):
        VideoReader(oblong, limits=Limits(pixels=64 * 48 * 2))


def test_header_facts(tmp_path: Path) -> None:
    info = probe(write_video(tmp_path / "a.mp4", sound_s=1.0))
    assert (info.width, info.height, info.rotation, info.codec) == (64, 48, 0, "h264")
    assert (info.frame_rate, info.header_frames) == (25, 25)
    assert (info.audio_tracks, info.sample_rate) == (1, 48_000)
    assert info.duration_s == pytest.approx(1.0, abs=0.01)
    assert info.container is not None and "mp4" in info.container


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_video_that_was_cut_off_is_no_whole_one(name: str, tmp_path: Path) -> None:
    how = {"movflags": "faststart"} if name == "a.mp4" else {}
    codec = "mpeg4" if name == "a.avi" else "libx264"
    path = write_video(
        tmp_path / name, range(0, 4000, 40), size=(160, 120), codec=codec, container_options=how
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    seen = []
    with VideoReader(path) as reader, pytest.raises(MediaError, match="cut off"):
        for frame in reader.frames():
            seen.append(frame.index)
    assert 10 < len(seen) < 90


def test_a_recording_without_its_index(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-800])
    with pytest.raises(MediaError, match="index"):
        VideoReader(path)


def test_frames_go_without_the_garbage_collector(tmp_path: Path) -> None:
    """PyAV's side data and their frame hold each other, which let memory grow until a collection."""
    path = write_video(tmp_path / "a.mp4", range(0, 4000, 40))
    gc.collect()
    gc.disable()
    try:
        with VideoReader(path) as reader:
            assert sum(1 for _ in reader.frames()) == 100
        assert gc.collect() < 100
    finally:
        gc.enable()
