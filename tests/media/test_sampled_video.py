"""Which frames of a video are taken, and how they are reached: against what ffprobe and ffmpeg say."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.core.frame import Frame
from mediaml.core.sampling import Sampling
from mediaml.media.limits import Limits
from mediaml.media.sample_count import count_samples
from mediaml.media.sampled import sampled_frames
from mediaml.media.video.reader import VideoReader
from mediaml.media.video.runs import runs_of
from mediaml.media.video.sampled_video import plan_samples
from mediaml.media.video.sparse_decoder import SparseDecoder, UnreliableError
from tests.support.media.ffmpeg import ffmpeg
from tests.support.media.material import write_video
from tests.support.requirements import program

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
OPEN = (*H264, "-x264-params", "keyint=25:open-gop=1:bframes=3:b-pyramid=normal:scenecut=0")
UNEVEN = "select='not(mod(n\\,7))+not(mod(n\\,5))+lt(mod(n\\,30)\\,9)'"
KINDS = {
    "closed.mp4": (*H264, "-g", "25", "-bf", "3"),
    "long.mp4": (*H264, "-g", "600", "-bf", "2", "-sc_threshold", "0"),
    "open.ts": OPEN,
    "open.mkv": OPEN,
    "open265.mp4": ("-c:v", "libx265", "-x265-params", "log-level=none:keyint=25:open-gop=1"),
    "uneven.mp4": ("-vf", UNEVEN, "-fps_mode", "vfr", *H264, "-g", "20", "-bf", "2"),
    "uneven.mkv": ("-vf", UNEVEN, "-fps_mode", "vfr", *H264, "-g", "20"),
    "refresh.mp4": (*H264, "-x264-params", "keyint=50:intra-refresh=1"),
    "late.ts": (*H264, "-g", "15", "-bf", "2", "-output_ts_offset", "7.3"),
    "early.mkv": (*H264, "-g", "15", "-bf", "2", "-copyts", "-output_ts_offset", "-0.4"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-q:v", "5"),
    "frames.mov": ("-c:v", "mjpeg", "-q:v", "6", "-pix_fmt", "yuvj420p"),
    "no_times.avi": ("-c:v", "mpeg4", "-g", "20", "-bf", "2", "-q:v", "5"),
}
SAMPLINGS = (
    {"every": 7},
    {"every": "0.3s"},
    {"fps": 3},
    {"fps": 90},
    {"keyframes": True},
    {"every": "1s", "start": 1, "end": 4},
    {"every": 5, "start": "0.5"},
    {"start": "0.5", "end": "2.1"},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("sampled")


def rendered(folder: Path, name: str) -> Path:
    """A clip of 5 s, 25 frames per second, made when it is first asked for."""
    path = folder / name
    if not path.exists():
        source = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=5")
        ffmpeg(*source, *KINDS[name], path)
    return path


def probed(path: Path) -> tuple[list[tuple[Fraction, bool]], Fraction]:
    """By ffprobe, of each frame: its exact time on the container's clock, and whether it is a keyframe; and
    the seconds of a tick."""
    command = [program("ffprobe"), "-v", "error", "-of", "json", "-select_streams", "v:0", "-show_frames"]
    command += ["-show_entries", "frame=best_effort_timestamp,key_frame:stream=time_base:format=start_time"]
    said = json.loads(subprocess.run([*command, str(path)], check=True, capture_output=True).stdout)
    base = Fraction(said["streams"][0]["time_base"])
    start = Fraction(said["format"].get("start_time", 0))
    start = round(start / base) * base
    stamps: list[int] = []
    for frame in said["frames"]:  # An AVI has no stamps, and ffprobe none for the frame that it ends with.
        stamps.append(frame.get("best_effort_timestamp", stamps[-1] + 1 if stamps else 0))
    keys = [bool(frame["key_frame"]) for frame in said["frames"]]
    return [(stamp * base - start, key) for stamp, key in zip(stamps, keys, strict=True)], base


def wanted(path: Path, sampling: Sampling) -> list[int]:
    """Numbers of the frames by the definition, looked for target by target."""
    frames, base = probed(path)
    slack = min(base / 2, Fraction(1, 2000))
    start, end = sampling.start_s or Fraction(0), sampling.end_s or Fraction(1000)
    ranged = [
        (number, time_s)
        for number, (time_s, _) in enumerate(frames)
        if (sampling.start_s is None or time_s >= start - slack) and time_s < end - slack
    ]
    if sampling.keyframes:
        return [number for number, _ in ranged if frames[number][1]]
    if sampling.step_s is None:
        return [number for number, _ in ranged][:: sampling.every]
    found, target = [], start
    while target < end and ranged and target <= ranged[-1][1] + slack:
        found.append(next(number for number, time_s in ranged if time_s >= target - slack))
        target += sampling.step_s
    return list(dict.fromkeys(found))


def planes(frame: Frame) -> bytes:
    return frame.pixels.frame.to_ndarray().tobytes()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", KINDS)
def test_the_frames_of_the_definition_to_the_pixel(folder, name):
    path = rendered(folder, name)
    with VideoReader(path) as reader:
        whole = list(reader.frames())
    assert len(whole) == len(probed(path)[0])
    for asked in SAMPLINGS:
        sampling = Sampling.of(**asked)
        with VideoReader(path) as reader:
            found = list(sampled_frames(reader, sampling))
        assert [frame.index for frame in found] == wanted(path, sampling), asked
        same = [whole[frame.index] for frame in found]
        assert [frame.time_s for frame in found] == [frame.time_s for frame in same]
        assert list(map(planes, found)) == list(map(planes, same)), asked


@pytest.mark.parametrize("name", ["closed.mp4", "open.ts", "uneven.mkv", "no_times.avi", "refresh.mp4"])
@pytest.mark.parametrize("asked", SAMPLINGS, ids=str)
def test_a_pass_from_the_middle_gives_the_same_frames(folder, name, asked):
    path, sampling = rendered(folder, name), Sampling.of(**asked)
    facts = []
    for since_s in (0.0, 1.0, 2.48, 30.0):
        with VideoReader(path) as reader:
            found = sampled_frames(reader, sampling, since_s)
            facts.append([(frame.index, frame.time_s, frame.duration_s) for frame in found])
    for since_s, part in zip((1.0, 2.48, 30.0), facts[1:], strict=True):
        assert part == [fact for fact in facts[0] if fact[1] >= since_s]


@pytest.mark.parametrize("name", ["closed.mp4", "no_times.avi"])
def test_a_frame_lasts_until_the_next(folder, name):
    with VideoReader(rendered(folder, name)) as reader:
        found = list(sampled_frames(reader, Sampling.of(every="0.7s", end=4)))
    ends = [frame.time_s + frame.duration_s for frame in found]
    assert ends == pytest.approx([*[frame.time_s for frame in found[1:]], 4.0])


def test_only_what_is_needed_is_decoded(folder):
    with VideoReader(rendered(folder, "closed.mp4")) as reader:
        table = reader.packets()
        assert table is not None
        plan = plan_samples(table, Sampling.of(every="1s"), "h264")
        assert plan.runs is not None
        assert [len(run) for run in plan.runs] == [1] * 5
        assert plan_samples(table, Sampling.of(), "h264").runs is None
    counted = count_samples(rendered(folder, "closed.mp4"), Sampling.of(every="1s"), Limits())
    assert (counted.taken, counted.of, counted.sought) == (5, 125, True)


def test_a_leading_picture_of_an_open_group_needs_the_group_before(folder):
    with VideoReader(rendered(folder, "open.ts")) as reader:
        table = reader.packets()
    assert table is not None
    leading = [
        rank
        for rank, position in enumerate(table.order.tolist())
        if any(table.keys[at] and table.pts[at] > table.pts[position] for at in range(position))
    ]
    assert leading
    runs = runs_of(table, leading[:1])
    assert runs is not None
    assert runs[0].ranks == (leading[0],)
    assert sum(table.keys[runs[0].first : runs[0].last + 1]) == 2


def test_a_point_of_entry_that_gives_no_whole_frame_is_not_used(folder):
    with VideoReader(rendered(folder, "refresh.mp4")) as reader:
        table = reader.packets()
        assert table is not None
        entry = int(np.flatnonzero(table.keys)[1])
        rank = table.order.tolist().index(entry)
        runs = runs_of(table, [rank])
        assert runs is not None
        decoder = SparseDecoder(reader.location, Limits(), table, 1)
        with pytest.raises(UnreliableError):
            list(decoder.decode(runs[0]))
        decoder.close()


def test_turned_pictures_and_ffmpegs_own_choice(tmp_path):
    path = write_video(tmp_path / "turned.mp4", range(0, 5600, 40), size=(160, 120), turn=90)
    with VideoReader(path) as reader:
        found = list(sampled_frames(reader, Sampling.of(every=20)))
    assert [(frame.width, frame.height) for frame in found] == [(120, 160)] * 7
    raw = ffmpeg(
        *("-i", path, "-vf", "select='not(mod(n\\,20))',format=rgb24", "-fps_mode", "passthrough"),
        *("-sws_flags", "accurate_rnd+full_chroma_int+bilinear", "-f", "rawvideo", "-"),
    )
    images: UInt8Array = np.frombuffer(raw, np.uint8).reshape(7, 160, 120, 3)
    for frame, image in zip(found, images, strict=True):
        assert np.abs(frame.image.astype(int) - image).mean() < 2


def test_joined_recordings_are_sampled_on_one_clock(folder, tmp_path):
    path = tmp_path / "joined.ts"
    part = rendered(folder, "late.ts").read_bytes()
    path.write_bytes(part + part)
    with VideoReader(path) as reader:
        assert reader.packets() is None
        whole = list(reader.frames())
    with VideoReader(path) as reader:
        found = list(sampled_frames(reader, Sampling.of(every="0.9s")))
    times = [frame.time_s for frame in whole]
    targets = [0.9 * number for number in range(int(times[-1] / 0.9) + 1)]
    slack = 1e-5
    assert [f.time_s for f in found] == [min(t for t in times if t >= target - slack) for target in targets]
    assert found[-1].time_s > 9


def test_where_a_packet_is_damaged_the_frames_are_those_of_a_whole_pass(folder, tmp_path):
    path = tmp_path / "damaged.mp4"
    shutil.copyfile(rendered(folder, "closed.mp4"), path)
    with VideoReader(path) as reader:
        table = reader.packets()
        assert table is not None
        entries = reader.beginning().stream.index_entries
        place, size = entries[60].pos, entries[60].size
    data = bytearray(path.read_bytes())
    data[place + 4 : place + size] = bytes(size - 4)
    path.write_bytes(data)
    with VideoReader(path) as reader:
        whole = [(frame.time_s, planes(frame)) for frame in reader.frames()]
    with VideoReader(path) as reader:
        found = [(frame.time_s, planes(frame)) for frame in sampled_frames(reader, Sampling.of(every="0.2s"))]
    wanted_s = [min(time_s for time_s, _ in whole if time_s >= 0.2 * n - 1e-6) for n in range(25)]
    assert [time_s for time_s, _ in found] == list(dict.fromkeys(wanted_s))
    assert set(found) <= set(whole)


def test_a_cut_off_file_is_refused_as_in_a_whole_pass(folder, tmp_path):
    path = tmp_path / "cut.mkv"
    data = rendered(folder, "open.mkv").read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    for sampling in (Sampling(), Sampling.of(every="1s")):
        with VideoReader(path) as reader, pytest.raises(MediaError, match="is cut off"):
            list(sampled_frames(reader, sampling))
    with VideoReader(path) as reader:
        assert len(list(sampled_frames(reader, Sampling.of(every="1s", end=2)))) == 2


def test_interlaced_frames_are_deinterlaced_with_their_neighbours(tmp_path):
    path = tmp_path / "fields.mp4"
    images = "testsrc2=s=160x128:r=50:d=3,tinterlace=interleave_top,setfield=tff"
    ffmpeg(
        "-f", "lavfi", "-i", images, *H264, "-flags", "+ilme+ildct", "-x264opts", "tff=1", "-g", "12", path
    )
    with VideoReader(path) as reader:
        whole = list(reader.frames())
    with VideoReader(path) as reader:
        found = list(sampled_frames(reader, Sampling.of(every=10)))
    assert [frame.index for frame in found] == list(range(0, 75, 10))
    assert [planes(frame) for frame in found] == [planes(frame) for frame in whole[::10]]
