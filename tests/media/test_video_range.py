"""High dynamic range and interlaced frames, as ffmpeg's filters and the material itself say."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest

from mediaml.core.arrays import UInt8Array
from mediaml.core.media import Kind
from mediaml.media.limits import Limits
from mediaml.media.reader import open_reader
from mediaml.media.video.pixels import VideoPixels, orientation_of
from mediaml.media.video.tone import HLG, PQ, Grade, light_to_pq, lut_of, pq_to_light
from tests.support.media.annotated_clips import ffprobe, nothing, pictures_of
from tests.support.media.annotated_video import write_annotated_video

COLOURS = [(200, 40, 40), (40, 180, 60), (50, 70, 200), (220, 210, 90), (90, 90, 90), (10, 10, 10)]
BAR = 48


def bars() -> UInt8Array:
    return np.repeat(np.repeat(np.array([COLOURS], np.uint8), BAR, axis=1), 96, axis=0)


def encode(path: Path, filters: str, *options: str, frames: int = 3) -> Path:
    """The bars through ffmpeg's filters, as raw RGB in."""
    height, width, _ = bars().shape
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", "10", "-i", "-", "-vf", filters, *options, str(path)]
    subprocess.run(command, input=bars().tobytes() * frames, check=True, capture_output=True)
    return path


def hdr(path: Path, transfer: str) -> Path:
    """The bars with white at 203 cd/m2, by zscale (zimg), which is not what is tested."""
    source = "zscale=tin=iec61966-2-1:pin=bt709:min=gbr:rin=full"
    coded = f"format=gbrp,{source}:t={transfer}:p=bt2020:m=bt2020nc:r=limited:npl=203,format=yuv420p10le"
    tags = ["-color_trc", transfer, "-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
    return encode(path, coded, "-c:v", "libx265", "-crf", "4", "-x265-params", "log-level=none", *tags)


def middles(image: UInt8Array) -> UInt8Array:
    return image[48, BAR // 2 :: BAR]


def first(path: Path, limits: Limits | None = None) -> UInt8Array:
    with open_reader(path, Kind.VIDEO, limits=limits or Limits()) as reader:
        return next(iter(reader.frames())).image


def test_pq_comes_back_as_the_standard_range_that_it_was_made_of(tmp_path: Path) -> None:
    source = hdr(tmp_path / "pq.mp4", "smpte2084")
    assert middles(first(source)) == pytest.approx(np.array(COLOURS), abs=10)
    raw = middles(first(source, Limits(tone_map=False))).astype(int)
    assert np.abs(raw - COLOURS).max() > 60


def test_a_copy_of_pq_is_of_standard_range_and_says_so(tmp_path: Path) -> None:
    source = hdr(tmp_path / "pq.mp4", "smpte2084")
    write_annotated_video(source, tmp_path / "copy.mp4", nothing)
    assert middles(pictures_of(tmp_path / "copy.mp4")[0]) == pytest.approx(np.array(COLOURS), abs=12)
    stream = ffprobe(tmp_path / "copy.mp4", "-show_streams")["streams"][0]
    assert (stream["color_transfer"], stream["color_primaries"]) == ("bt709", "bt709")


def test_hlg_keeps_hue_and_order(tmp_path: Path) -> None:
    found = middles(first(hdr(tmp_path / "hlg.mp4", "arib-std-b67"))).astype(int)
    assert found[0].argmax() == 0
    assert found[1].argmax() == 1
    assert found[2].argmax() == 2
    assert np.ptp(found[4]) <= 3
    assert found[3, 0] > found[4, 0] > found[5, 0]


def test_the_curve_of_pq_by_the_values_of_the_standard() -> None:
    """SMPTE ST 2084 as tabulated in ITU-R BT.2408: 100 cd/m2 at 50.8 %, 203 at 58.1 %, 1000 at 75.2 %."""
    light = np.array([100.0, 203.0, 1000.0, 10_000.0])
    assert light_to_pq(light) == pytest.approx([0.508, 0.581, 0.752, 1.0], abs=5e-4)
    assert pq_to_light(light_to_pq(light)) == pytest.approx(light, rel=1e-6)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_greys_stay_grey_and_rise_to_white(transfer: int) -> None:
    grid = lut_of(Grade(transfer, 1000.0, True), 65)
    greys = np.array([grid[level, level, level] for level in range(65)])
    assert np.ptp(greys, axis=1).max() < 1e-3
    assert (np.diff(greys[:, 0]) >= -1e-9).all()
    assert greys[0].max() < 1e-3
    assert greys[-1].min() > 0.999


def test_interlaced_frames_are_whole_pictures(tmp_path: Path) -> None:
    source = tmp_path / "tff.mp4"
    images = "testsrc2=s=160x128:r=50:d=1,tinterlace=interleave_top,setfield=tff"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", images]
    command += ["-c:v", "libx264", "-crf", "4", "-flags", "+ilme+ildct", "-x264opts", "tff=1", str(source)]
    subprocess.run(command, check=True, capture_output=True)
    with open_reader(source, Kind.VIDEO) as reader:
        frames = list(reader.frames())
        assert [frame.time_s for frame in frames] == pytest.approx([number / 25 for number in range(25)])
        images_read = [cast(VideoPixels, frame.pixels).frame.to_ndarray()[:128] for frame in frames]
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-vf", "bwdif=mode=send_frame"]
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    wanted = np.frombuffer(raw, np.uint8).reshape(-1, 192, 160)[:, :128]
    assert len(wanted) == len(images_read) == 25
    # At the very start and end versions of bwdif differ.
    assert np.array_equal(np.array(images_read[1:-1]), wanted[1:-1])
    with open_reader(source, Kind.VIDEO, limits=Limits(deinterlace=False)) as reader:
        combed = [cast(VideoPixels, frame.pixels).frame.to_ndarray()[:128] for frame in reader.frames()]
    assert np.abs(combed[5].astype(int) - images_read[5]).max() > 60


def test_tone_mapping_does_not_hold_up_a_run(tmp_path: Path) -> None:
    """A frame at a model's size costs a few milliseconds, not a Python loop over pixels."""
    with open_reader(hdr(tmp_path / "pq.mp4", "smpte2084"), Kind.VIDEO) as reader:
        frame = next(iter(reader.frames()))
        frame.fitted(640, 384)
        begun = time.perf_counter()
        for _ in range(5):
            frame.fitted(640, 384)
        assert (time.perf_counter() - begun) / 5 < 0.25


def test_the_pixels_shape_changes_midway(tmp_path: Path) -> None:
    parts = []
    for number, shape in enumerate(("1", "4/3", "1")):
        part = tmp_path / f"{number}.ts"
        source = ["-f", "lavfi", "-i", "testsrc2=s=176x144:r=25:d=1"]
        command = ["ffmpeg", "-v", "error", "-y", *source, "-vf", f"setsar={shape}", "-c:v", "mpeg2video"]
        subprocess.run([*command, str(part)], check=True, capture_output=True)
        parts.append(part.read_bytes())
    source_path = tmp_path / "a.ts"
    source_path.write_bytes(b"".join(parts))
    entries = ffprobe(source_path, "-show_entries", "frame=sample_aspect_ratio")["frames"]
    assert len({entry["sample_aspect_ratio"] for entry in entries}) == 2
    with open_reader(source_path, Kind.VIDEO) as reader:
        sizes = [(frame.width, frame.height) for frame in reader.frames()]
    # MPEG-2 states the shape of the whole picture; 16:11 is the nearest to 4:3 of its four.
    assert sizes == [(176, 144)] * 25 + [(256, 144)] * 25 + [(176, 144)] * 25
    write_annotated_video(source_path, tmp_path / "copy.mp4", nothing)
    copied = pictures_of(tmp_path / "copy.mp4")
    assert {image.shape for image in copied} == {(144, 176, 3)}
    assert copied[40][:16].max() < 8
    assert copied[40][-16:].max() < 8
    assert copied[10][:16].max() > 100
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio in {None, 1}


class NewerFrame:
    """A frame with side data that PyAV does not know, as of MV-HEVC: it raises for all of it."""

    def __init__(self, rotation: int) -> None:
        self.rotation = rotation

    @property
    def side_data(self) -> object:
        raise ValueError("29 is not a valid Type")


@pytest.mark.parametrize(("rotation", "orientation"), [(0, 1), (-90, 6), (180, 3), (-180, 3), (90, 8)])
def test_unknown_side_data_leaves_the_turn(rotation: int, orientation: int) -> None:
    assert orientation_of(cast(av.VideoFrame, NewerFrame(rotation))) == orientation
