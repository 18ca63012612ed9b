"""A plugin of clips, as docs/plugins.md shows it, in a run, in unit tests and under the conformance kit."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mediaml.core.clip_input import ClipInput
from mediaml.core.model_input import ImageInput
from mediaml.ledger.results import open_results
from mediaml.testing import clip, cut_clips, frame, run_model
from scripts.paths import REPOSITORY
from tests.support.media.annotated_clips import clicks, write_clip

PAGE = (REPOSITORY / "docs/plugins.md").read_text(encoding="utf-8")
BLOCK = next(one for one in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL) if "`motion`" in one)
WINDOWS = """
from mediaml.plugin import AudioInput, Kind, Label, ModelSpec, hookimpl


class Loud:
    def predict(self, frames):
        return [Label("loud", float(abs(frame.samples).max())) for frame in frames]


@hookimpl
def mediaml_models():
    windows = AudioInput(window_s=1.0, hop_s=1.0, features="waveform")
    yield ModelSpec("loud", "classify", lambda _: Loud(), frozenset({Kind.AUDIO}), audio=windows)
"""


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    (tmp_path / "motion.py").write_text(BLOCK, encoding="utf-8")
    return tmp_path


def still_then_moving(index: int) -> np.ndarray:
    image = np.full((64, 64, 3), 40, np.uint8)
    if index >= 32:
        image[:, (8 * index) % 64 : (8 * index) % 64 + 8] = 220
    return image


def test_it_tells_moving_seconds_from_still_ones(motion: Path, mediaml) -> None:
    write_clip(motion / "clip.mp4", ticks=range(64), time_base=Fraction(1, 16), picture=still_then_moving)
    done = mediaml("run", "-p", "./motion.py", "clip.mp4", "-o", "out")
    assert done.code == 0, done.err
    with open_results(motion / "out") as results:
        rows = [(one.time_s, one.duration_s, one.prediction.labels[0].score) for one in results.frames()]
    assert [row[:2] for row in rows] == [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 1.0)]
    assert max(row[2] for row in rows[:2]) < 0.01
    assert min(row[2] for row in rows[2:]) > 0.1


def test_windows_of_audio_and_clips_of_video_line_up(motion: Path, mediaml) -> None:
    (motion / "loud.py").write_text(WINDOWS, encoding="utf-8")
    video = write_clip(
        motion / "clip.mkv",
        ticks=range(70),
        time_base=Fraction(1, 16),
        picture=still_then_moving,
        sounds=[("pcm_s16le", {})],
        sound=clicks(4.5, [1.5]),
    )
    done = mediaml("run", "-p", "./motion.py", "-p", "./loud.py", video.name, "-o", "out")
    assert done.code == 0, done.err
    with open_results(motion / "out") as results:
        times = {model: [one.time_s for one in results.frames(model=model)] for model in ("motion", "loud")}
    assert times["motion"] == times["loud"] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_it_passes_the_conformance_kit(motion: Path, mediaml) -> None:
    done = mediaml("plugins", "check", "./motion.py")
    assert done.code == 0, done.out + done.err


class Brightness:
    """The mean of all pixels of a clip."""

    input = ClipInput(ImageInput(8, 8), frames=4, every_s=0.1)

    def predict(self, frames):
        from mediaml.plugin import Label

        return [Label("bright", float(one.clip.mean()) / 255) for one in frames]


def test_a_unit_test_gives_frames_and_gets_an_answer_per_clip() -> None:
    model = Brightness()
    frames = [frame((index, index, index), index=index, time_s=index / 10) for index in range(8)]
    scores = [prediction.labels[0].score * 255 for prediction in run_model(model, frames)]
    assert scores == pytest.approx([1.5, 5.5])
    cut = cut_clips(clip(20, fps=10.0), Brightness.input)
    assert [one.time_s for one in cut] == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6])
    assert len(run_model(model, cut)) == 5
