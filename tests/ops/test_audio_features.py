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

with np.load(Path(__file__).parent / "golden" / "audio_features.npz") as _file:
    GOLDEN = dict(_file)

YAMNET = AudioInput(
    window_s=0.975, hop_s=0.48, band=(125.0, 7500.0), scale="htk", triangles="mel", norm="none", power=1,
    offset=0.001, layout="TF",
)  # fmt: skip
LIBROSA = AudioInput(
    sample_rate=22_050, window_s=1.0, hop_s=1.0, fft_s=2048 / 22_050, step_s=512 / 22_050, mels=128,
    band=(0.0, 11_025.0), n_fft=2048, padding="zeros", offset=0.0, floor=1e-10, log="db", top_db=80.0,
)  # fmt: skip
LIBROSA_MAX = AudioInput(
    sample_rate=22_050, window_s=1.0, hop_s=1.0, fft_s=2048 / 22_050, step_s=512 / 22_050, mels=128,
    band=(0.0, 11_025.0), n_fft=2048, padding="zeros", offset=0.0, floor=1e-10, log="db", reference="max",
)  # fmt: skip
LIBROSA_HTK = AudioInput(
    n_fft=512, mels=40, band=(20.0, 7600.0), padding="reflect", taper="hamming", scale="htk", norm="none",
    power=1, offset=0.0, floor=1e-5, log="db", top_db=80.0,
)  # fmt: skip
KALDI = AudioInput(
    mels=80, taper="povey", gain=32_768.0, remove_dc=True, preemphasis=0.97, scale="htk", triangles="mel",
    norm="none", offset=0.0, floor=1.1920929e-07,
)  # fmt: skip


def whisper(mels: int) -> AudioInput:
    return AudioInput(
        window_s=30.0, hop_s=30.0, mels=mels, band=(0.0, 8000.0), n_fft=400, padding="reflect",
        drop_last=True, offset=0.0, floor=1e-10, log="log10", top_db=80.0, mean=-4.0, std=4.0,
    )  # fmt: skip


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
