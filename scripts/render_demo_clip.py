"""Render tests/media/demo.mp4: a person, a cat and a cup of coffee, with sound that marks the cuts.

The pictures come from the PyPI package scikit-image, which carries them as files: `astronaut` (NASA, public
domain), `chelsea` and `coffee` (CC0 by their photographers). The package is needed here only, and none of
its dependencies:

    pip install --no-deps scikit-image
    python -m scripts.render_demo_clip
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import ColorRange

from scripts.paths import DEMO_CLIP

WIDTH, HEIGHT, RATE = 640, 360, 25
SOUND_RATE = 48_000
SCENE_S, FADE_S = 2.0, 0.4
CLICK_S = 0.03


@dataclass(frozen=True)
class Scene:
    """A slow move of the camera over a photograph.

    Attributes:
        picture: file in scikit-image's `skimage/data`.
        start, end: centre of the view and its width, in pixels of the picture.
        chord: frequencies of its sound in Hz.
    """

    picture: str
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    chord: tuple[float, ...]


SCENES = (
    Scene("astronaut.png", (256, 150, 512), (240, 160, 440), (220.00, 277.18, 329.63)),
    Scene("chelsea.png", (225, 135, 440), (225, 150, 380), (246.94, 311.13, 369.99)),
    Scene("coffee.png", (290, 210, 500), (310, 190, 590), (196.00, 246.94, 293.66)),
)
DURATION_S = SCENE_S * len(SCENES)


def load(picture: str) -> Any:
    """A photograph as uint8 RGB [height, width, 3].

    Raises:
        SystemExit: scikit-image is not installed.
    """
    try:
        path = distribution("scikit-image").locate_file(f"skimage/data/{picture}")
    except PackageNotFoundError as error:
        raise SystemExit("The pictures are in scikit-image: pip install --no-deps scikit-image") from error
    return cv2.cvtColor(np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)


def view(picture: Any, scene: Scene, progress: float) -> Any:
    """What the camera sees at `progress` 0..1 of a scene: uint8 RGB [HEIGHT, WIDTH, 3]."""
    eased = progress * progress * (3 - 2 * progress)
    x, y, width = (a + (b - a) * eased for a, b in zip(scene.start, scene.end, strict=True))
    scale = WIDTH / width
    matrix = np.array([[scale, 0, WIDTH / 2 - scale * x], [0, scale, HEIGHT / 2 - scale * y]])
    return cv2.warpAffine(
        picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def picture_at(pictures: list[Any], time_s: float) -> Any:
    """The frame at a time: one scene, or two while they fade into each other around a cut."""
    weights = [max(0.0, min(1.0, _shown(index, time_s))) for index in range(len(SCENES))]
    total = sum(weights)
    frame = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for index, weight in enumerate(weights):
        if weight > 0:
            progress = (time_s - index * SCENE_S + FADE_S / 2) / (SCENE_S + FADE_S)
            frame += view(pictures[index], SCENES[index], min(1.0, max(0.0, progress))) * (weight / total)
    return np.rint(frame).astype(np.uint8)


def _shown(index: int, time_s: float) -> float:
    """How much of a scene is seen, 0..1: it fades in and out around its two cuts."""
    into = 1.0 if index == 0 else (time_s - index * SCENE_S) / FADE_S + 0.5
    out = 1.0 if index == len(SCENES) - 1 else ((index + 1) * SCENE_S - time_s) / FADE_S + 0.5
    return min(into, out)


def sound() -> Any:
    """Stereo sound, float32 [2, samples]: a soft chord for each scene and a click at each cut."""
    time = np.arange(round(DURATION_S * SOUND_RATE)) / SOUND_RATE
    left = np.zeros_like(time)
    for index, scene in enumerate(SCENES):
        local = time - index * SCENE_S
        envelope = np.clip(local / 0.02, 0, 1) * np.exp(-1.2 * np.clip(local, 0, None)) * (local < SCENE_S)
        left += 0.12 * envelope * sum(np.sin(2 * np.pi * pitch * time) for pitch in scene.chord)
        if index:
            click = np.where((local >= 0) & (local < CLICK_S), np.exp(-200 * np.abs(local)), 0)
            left += 0.5 * click * np.sin(2 * np.pi * 2_000 * local)
    right = np.concatenate([np.zeros(96), left[:-96]])
    return np.stack([left, right]).astype(np.float32)


def write(target: Path) -> None:
    """Encode the clip; H.264 and AAC, index first, the same bytes in every run with the same libraries."""
    with av.open(
        str(target), "w", container_options={"movflags": "+faststart", "fflags": "+bitexact"}
    ) as output:
        video: Any = output.add_stream("libx264", rate=RATE, options={"crf": "23", "preset": "slow"})
        context = video.codec_context
        context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context.time_base = Fraction(1, RATE)
        context.thread_count = 1
        context.color_range = ColorRange.MPEG
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        audio: Any = output.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        audio.codec_context.bit_rate = 96_000
        for stream in (video, audio):
            stream.codec_context.flags |= Flags.bitexact
            stream.metadata["language"] = "eng"
        pictures = [load(scene.picture) for scene in SCENES]
        samples = sound()
        block = SOUND_RATE // RATE
        for index in range(round(DURATION_S * RATE)):
            rgb = av.VideoFrame.from_ndarray(picture_at(pictures, index / RATE), format="rgb24")
            frame = rgb.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            output.mux(video.encode(frame))
            part = np.ascontiguousarray(samples[:, index * block : (index + 1) * block])
            tone = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
            tone.sample_rate, tone.pts, tone.time_base = SOUND_RATE, index * block, Fraction(1, SOUND_RATE)
            output.mux(audio.encode(tone))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))


def main() -> None:
    """Render to the place that is named, or to the tests' own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", nargs="?", type=Path, default=DEMO_CLIP)
    target = parser.parse_args().target
    write(target)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
