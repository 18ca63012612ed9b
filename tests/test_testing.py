"""`mediaml.testing`: frames, audio, and the model runner for unit tests of plugins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from mediaml.core.errors import ModelError, OptionError, PluginError
from mediaml.plugin import AudioInput, Detection, Kind, Label, Meta, ModelSpec, OnnxModel, view
from mediaml.testing import clip, frame, run_model, tone


def test_a_frame_of_a_colour_or_an_array():
    one = frame((10, 20, 30), width=5, height=4)
    assert (one.width, one.height, one.media.kind) == (5, 4, Kind.IMAGE)
    assert one.image[3, 4].tolist() == [10, 20, 30]
    grey = frame(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert (grey.width, grey.height) == (3, 2)
    assert grey.image[1, 2].tolist() == [5, 5, 5]
    assert grey.fitted(30, 20).shape == (20, 30, 3)


@pytest.mark.parametrize(
    "image", [np.zeros((2, 3), np.float32), np.zeros((2, 3, 4), np.uint8), np.zeros(3, np.uint8)]
)
def test_other_arrays_are_refused(image):
    with pytest.raises(ValueError, match="an image is"):
        frame(image)


def test_the_square_of_a_clip_moves_two_pixels_a_frame():
    frames = clip(70, width=160, height=96, fps=50)
    assert [one.time_s for one in frames[:3]] == [0, 0.02, 0.04]
    assert {one.duration_s for one in frames} == {0.02}
    for one in (frames[0], frames[7], frames[64], frames[65]):
        rows, columns = np.nonzero(one.image[..., 0])
        assert (rows.min(), rows.max()) == (32, 63)
        assert columns.min() == (2 * one.index) % 129
        assert columns.max() == columns.min() + 31
    with pytest.raises(ValueError, match="square"):
        clip(width=20)


def test_the_windows_of_a_tone_are_those_of_the_model():
    spec = AudioInput(sample_rate=8_000, window_s=0.5, hop_s=0.5, features="waveform", band=(20, 4000))
    windows = tone(1000, seconds=1.2, level=0.5, audio=spec)
    assert [(one.time_s, round(one.duration_s, 2)) for one in windows] == [(0, 0.5), (0.5, 0.5), (1.0, 0.2)]
    samples = windows[0].samples
    assert samples is not None
    # The strongest frequency of half a second, by bins of 2 Hz.
    assert np.abs(np.fft.rfft(samples)).argmax() == 500
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.02)
    assert windows[0].media.path == "tone.wav"
    [silent] = tone(0, seconds=0.1, audio=spec)
    assert silent.samples is not None
    assert not silent.samples.any()


@dataclass(frozen=True)
class Options:
    name: str = "lit"
    conf: Annotated[float, Meta(ge=0, le=1, extra=view("min_score", floor=0.1))] = 0.5
    top: Annotated[int, Meta(ge=1, extra=view("top", floor=9))] = 9


class Levels:
    """The mean brightness, and half of it; knows what it was asked for."""

    def __init__(self, context):
        self.options = context.options
        self.sizes = []

    def predict(self, frames):
        self.sizes.append(len(frames))
        for one in frames:
            level = float(one.image.mean()) / 255
            yield [Label(f"{self.options.name} at {self.options.conf}", level), Label("half", level / 2)]


SPEC = ModelSpec("levels", task="classify", load=Levels, options=Options)


def test_views_select_after_the_model_has_run_at_its_floor():
    bright = [frame((204, 204, 204))]
    [shown] = run_model(SPEC, bright)
    assert [label.name for label in shown.labels] == ["lit at 0.1"]
    [more] = run_model(SPEC, bright, options={"conf": 0.3, "name": "on"})
    assert [(label.name, label.score) for label in more.labels] == [("on at 0.1", 0.8), ("half", 0.4)]
    [first] = run_model(SPEC, bright, options=Options(conf=0.3, top=1))
    assert len(first.labels) == 1


def test_batches_are_as_large_as_asked_and_answers_in_order():
    made = []

    def load(context):
        made.append(Levels(context))
        return made[-1]

    spec = ModelSpec("levels", task="classify", load=load, options=Options)
    frames = [frame((level, level, level)) for level in (255, 153, 204)]
    answers = run_model(spec, frames, batch=2)
    assert made[0].sizes == [2, 1]
    assert [round(answer.labels[0].score, 3) for answer in answers] == [1.0, 0.6, 0.8]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"cnof": 0.3}, "Did you mean 'conf'"), ({"conf": 2}, "<= 1"), ({"top": "many"}, "int")],
)
def test_options_are_checked_as_on_the_command_line(options, said):
    with pytest.raises(OptionError, match=said):
        run_model(SPEC, [frame()], options=options)


def test_a_class_of_an_onnx_model_runs_with_weights(square_finder):
    class Finder(OnnxModel):
        def prepare(self, one):
            return one.image

        def decode(self, outputs, frames):
            assert len(outputs) == len(self.session.outputs)
            return [Label(self.session.inputs[0].name, 1.0) for _ in frames]

    answers = run_model(Finder, clip(3), weights=square_finder)
    assert [answer.labels[0].name for answer in answers] == ["images"] * 3
    with pytest.raises(ModelError, match=r"none\.onnx do not exist"):
        run_model(Finder, clip(1), weights=Path("none.onnx"))


def test_the_square_is_found(square_finder):
    import mediaml_yolo

    yolo = next(spec for spec in mediaml_yolo.mediaml_models() if spec.name == "yolo")
    answers = run_model(yolo, clip(3), weights=square_finder)
    boxes = [one.box.corners for answer in answers for one in answer.detections if isinstance(one, Detection)]
    assert np.allclose(boxes, [(2 * index, 32, 2 * index + 32, 64) for index in range(3)], atol=1)


def test_a_loaded_model_is_used_as_it_is():
    class Plain:
        def predict(self, frames):
            return [Label("plain", 1.0) for _ in frames]

    assert run_model(Plain(), [frame()])[0].labels[0].name == "plain"
    with pytest.raises(PluginError, match="2 results for 3 frames"):
        run_model(type("Short", (), {"predict": lambda self, frames: [[], []]})(), clip(3))


def test_an_audio_model_gets_windows():
    class Loud:
        def predict(self, frames):
            return [Label("loud", 1.0) if one.spectrogram.max() > 0 else [] for one in frames]

    answers = run_model(Loud(), [*tone(level=1.0), *tone(0)])
    assert [len(answer.labels) for answer in answers] == [1, 0]
