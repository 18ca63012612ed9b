"""The nouns refuse nonsense, and sort what plugins answer."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import MediamlError, ModelError, NoInputsError, UsageError
from mediaml.core.media import Kind, MediaInfo
from mediaml.core.model_input import ImageInput
from mediaml.core.prediction import Box, Detection, Embedding, Label, Picture, Prediction

LABEL = Label("cat", 0.5)
DETECTION = Detection(LABEL, Box(0, 0, 1, 1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Label("cat", 1.01),
        lambda: Label("cat", float("nan")),
        lambda: Box(2, 0, 1, 1),
        lambda: Box(0, 0, float("inf"), 1),
        lambda: Embedding(np.zeros((2, 2), np.float32)),
        lambda: Picture(np.zeros((2, 2), np.uint8)),
        lambda: MediaInfo("a", Kind.VIDEO, rotation=45),
        lambda: MediaInfo("a", Kind.VIDEO, frame_rate=Fraction(0)),
        lambda: ImageInput(0, 10),
        lambda: ImageInput(10, 10, std=(0.0,)),
        lambda: AudioInput(sample_rate=8_000, band=(0, 5_000)),
        lambda: AudioInput(window_s=0.01),
        lambda: AudioInput(n_fft=256),
        lambda: AudioInput(offset=0.0),
        lambda: AudioInput(reference="max"),
        lambda: AudioInput(top_db=-1.0),
        lambda: AudioInput(std=0.0),
        lambda: AudioInput(window_s=0.025, drop_last=True),
        lambda: AudioInput(window_s=0.025, n_fft=1024, padding="reflect"),
        lambda: AudioInput(features="waveform", window_s=0.0),
    ],
)
def test_nonsense_is_refused_at_birth(make):
    with pytest.raises(ValueError, match=r".+"):
        make()


def test_a_prediction_sorts_what_a_plugin_answered():
    vector = Embedding(np.zeros(3, np.float32))
    prediction = Prediction.of([LABEL, DETECTION, vector])
    assert prediction.labels == (LABEL,)
    assert prediction.detections == (DETECTION,)
    assert prediction.embedding is vector
    assert Prediction.of([]) == Prediction()
    assert Prediction.of(LABEL).labels == (LABEL,)
    assert Prediction.of(prediction) is prediction


@pytest.mark.parametrize("answer", [["cat"], "cat", 3, [Embedding(np.zeros(1, np.float32))] * 2])
def test_a_prediction_refuses_what_is_no_answer(answer):
    with pytest.raises(TypeError):
        Prediction.of(answer)


def test_a_window_of_sound_holds_whole_spectra_only():
    sound = AudioInput(sample_rate=16_000, window_s=1.0, fft_s=0.025, step_s=0.010)
    assert (sound.window_samples, sound.fft_samples, sound.step_samples) == (16_000, 400, 160)
    assert (sound.steps - 1) * sound.step_samples + sound.fft_samples <= sound.window_samples
    assert sound.steps * sound.step_samples + sound.fft_samples > sound.window_samples


def test_errors_know_their_exit_codes_and_say_what_to_do():
    assert [error.exit_code for error in (MediamlError, UsageError, ModelError, NoInputsError)] == [
        1,
        2,
        4,
        5,
    ]
    assert str(ModelError("a.onnx is empty.", "Copy it again.")) == "a.onnx is empty.\nCopy it again."
