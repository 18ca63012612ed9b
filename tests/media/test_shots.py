"""The first frames of shots, against PySceneDetect's list of cuts."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mediaml.core.arrays import UInt8Array
from mediaml.core.sampling import Sampling
from mediaml.media.sampled import sampled_frames
from mediaml.media.video.reader import VideoReader
from mediaml.ops.shots import ShotFinder
from tests.support.media.ffmpeg import ffmpeg

SCENES = ("testsrc2", "mandelbrot", "smptehdbars", "rgbtestsrc", "cellauto", "life=mold=10", "testsrc")


def by_pyscenedetect(path: Path) -> list[int]:
    """Numbers of the frames with which its scenes begin."""
    from scenedetect import ContentDetector, detect

    return [scene[0].frame_num for scene in detect(str(path), ContentDetector(), start_in_scene=True)]


def joined(path: Path, lengths: list[int], size: str = "320x180") -> Path:
    """One shot after the other, of so many frames."""
    inputs: list[str] = []
    for number, length in enumerate(lengths):
        name = SCENES[number % len(SCENES)]
        first = "=" if "=" not in name else ":"
        inputs += ["-f", "lavfi", "-t", str(length / 25), "-i", f"{name}{first}s={size}:r=25"]
    parts = "".join(f"[{number}]format=yuv420p,setsar=1[{number}p];" for number in range(len(lengths)))
    names = "".join(f"[{number}p]" for number in range(len(lengths)))
    graph = f"{parts}{names}concat=n={len(lengths)}"
    ffmpeg(*inputs, "-filter_complex", graph, "-c:v", "libx264", "-preset", "veryfast", "-crf", "14", path)
    return path


@pytest.mark.parametrize(
    "lengths",
    [[40, 40, 40], [30, 25, 4, 30], [50], [8, 40, 3, 3, 3, 40], [40, 6, 6, 6, 6, 40, 20]],
    ids=str,
)
def test_shots_begin_where_pyscenedetect_finds_them(tmp_path, lengths):
    path = joined(tmp_path / "shots.mp4", lengths)
    with VideoReader(path) as reader:
        found = list(sampled_frames(reader, Sampling.of(scenes=True)))
    assert [frame.index for frame in found] == by_pyscenedetect(path)
    ends = [frame.time_s + frame.duration_s for frame in found]
    assert ends == pytest.approx([*[frame.time_s for frame in found[1:]], sum(lengths) / 25])


def test_a_pass_from_the_middle_finds_the_same_shots(tmp_path):
    path = joined(tmp_path / "shots.mp4", [30, 25, 4, 40, 30])
    with VideoReader(path) as reader:
        whole = [(f.index, f.duration_s) for f in sampled_frames(reader, Sampling.of(scenes=True))]
    with VideoReader(path) as reader:
        late = [(f.index, f.duration_s) for f in sampled_frames(reader, Sampling.of(scenes=True), 2.0)]
    assert late == [fact for fact in whole if fact[0] >= 50]
    assert late
    with VideoReader(path) as reader:
        ranged = [f.index for f in sampled_frames(reader, Sampling.of(scenes=True, start=2, end=4))]
    assert ranged[0] == 50
    assert all(50 <= number < 100 for number in ranged)


@pytest.mark.parametrize("seed", range(4))
def test_the_finder_cuts_as_the_content_detector_does(seed):
    """Random shots with flashes, picture by picture."""
    from scenedetect import ContentDetector, FrameTimecode

    generator = np.random.default_rng(seed)
    shots = [generator.integers(0, 256, (24, 32, 3), np.uint8) for _ in range(6)]
    order = np.repeat(generator.integers(0, 6, 40), generator.choice([1, 2, 5, 14, 15, 16, 30], 40))
    detector, finder = ContentDetector(), ShotFinder()
    theirs: list[int] = []
    ours: list[int] = []
    for number, shot in enumerate(order):
        image: UInt8Array = shots[shot]
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        theirs += [cut.frame_num for cut in detector.process_frame(FrameTimecode(number, 25.0), bgr)]
        ago = finder.feed(image)
        ours += [] if ago is None else [number - ago]
    assert ours == theirs
    assert len(ours) > 3
