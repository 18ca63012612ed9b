"""Features by `AudioInput` against those of YAMNet, librosa, Whisper, Kaldi and wav2vec 2.0.

`scripts/record_audio_golden.py` recorded their own programs' answers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.ops.spectrogram import display_input, log_mel, spectrogram_picture, waveform
from scripts.record_audio_golden import WHISPER_STRIDE, signal
from tests.support.media.audio_inputs import KALDI, LIBROSA, LIBROSA_HTK, LIBROSA_MAX, YAMNET, whisper

with np.load(Path(__file__).parent / "golden" / "audio_features.npz") as _file:
    GOLDEN = dict(_file)


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("yamnet", YAMNET),
        ("librosa", LIBROSA),
        ("librosa_max", LIBROSA_MAX),
        ("librosa_htk", LIBROSA_HTK),
        ("kaldi", KALDI),
    ],
)
def test_spectrograms_are_those_of_the_programs_they_are_described_after(name: str, spec: AudioInput) -> None:
    ours = log_mel(signal(spec.sample_rate, spec.window_s), spec)
    assert ours.shape == GOLDEN[name].shape == (spec.mels, spec.steps)
    np.testing.assert_allclose(ours, GOLDEN[name], atol=1e-3)


@pytest.mark.parametrize("mels", [80, 128])
def test_whispers_features(mels: int) -> None:
    spec, samples = whisper(mels), signal(16_000, 4.0)
    ours = log_mel(np.pad(samples, (0, spec.window_samples - len(samples))), spec)
    assert ours.shape == (mels, 3000)
    np.testing.assert_allclose(ours[:, ::WHISPER_STRIDE], GOLDEN[f"whisper_{mels}"], atol=1e-3)


def test_a_standardised_waveform_is_that_of_wav2vec2() -> None:
    spec = AudioInput(window_s=0.25, features="waveform", standardise=True)
    ours = waveform(signal(16_000, 0.25), spec)
    np.testing.assert_allclose(ours[None], GOLDEN["wav2vec2"], atol=1e-3)


def test_a_waveform_is_left_as_it_is_unless_asked() -> None:
    samples = signal(16_000, 0.5)
    assert waveform(samples, AudioInput(features="waveform")) is samples
    scaled = waveform(samples, AudioInput(features="waveform", gain=4.0, mean=1.0, std=2.0))
    np.testing.assert_allclose(scaled, (samples * 4 - 1) / 2, atol=1e-6)


@pytest.mark.parametrize("log", ["ln", "log10", "db", "none"])
@pytest.mark.parametrize("power", [1, 2])
def test_the_range_means_decibels_whatever_is_logged(log: str, power: int) -> None:
    spec = AudioInput(log=log, power=power, offset=0.0, floor=1e-10, top_db=20.0, norm="none")
    mels = log_mel(signal(16_000, 1.0), spec)
    undone = {"ln": np.exp, "log10": lambda mel: 10.0**mel, "db": lambda mel: 10.0 ** (mel * power / 20)}
    back = undone.get(log, np.array)(mels)
    assert np.isclose(20 / power * np.log10(back.max() / back.min()), 20.0, atol=1e-3)


def test_pictures_do_not_depend_on_a_models_features() -> None:
    samples = signal(16_000, 1.0)
    plain = spectrogram_picture(log_mel(samples, AudioInput()))
    odd = AudioInput(power=1, log="db", offset=1e-3, norm="none", mean=3.0, preemphasis=0.9)
    np.testing.assert_array_equal(plain, spectrogram_picture(log_mel(samples, display_input(odd))))
    assert display_input(AudioInput()) == AudioInput()
    short = AudioInput(sample_rate=8000, window_s=0.02, features="waveform")
    shown = display_input(short)
    assert spectrogram_picture(log_mel(samples[:160], shown)).shape == (shown.mels, shown.steps, 3)


def test_shapes_of_samples() -> None:
    assert YAMNET.shape == (96, 64) and LIBROSA.shape == (128, 44)
    assert AudioInput(window_s=0.032, features="waveform").shape == (512,)
