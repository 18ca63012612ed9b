"""Log-mel spectrograms against SciPy's transform and the published values of Slaney's filters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from mediaml.core.audio_input import AudioInput
from mediaml.ops.spectrogram import (
    POWER_FLOOR,
    hz_to_mel,
    log_mel,
    mel_filterbank,
    mel_to_hz,
    spectrogram_picture,
)

SPEC = AudioInput()
SPECS = [SPEC, AudioInput(sample_rate=8000, mels=40, band=(50.0, 3800.0)), AudioInput(mels=128)]


def test_mel_scale_has_slaneys_values() -> None:
    # 200/3 Hz a mel below 1000 Hz; 27 steps from there to 6400 Hz (Auditory Toolbox, 1998).
    frequencies = np.array([0.0, 200.0, 1000.0, 6400.0])
    np.testing.assert_allclose(hz_to_mel(frequencies), [0.0, 3.0, 15.0, 42.0])
    np.testing.assert_allclose(mel_to_hz(np.array([0.0, 3.0, 15.0, 42.0])), frequencies)


@pytest.mark.parametrize("spec", SPECS)
def test_filters_have_equal_area_and_are_never_empty(spec: AudioInput) -> None:
    bank = mel_filterbank(spec)
    line_hz = spec.sample_rate / spec.fft_points
    assert bank.shape == (spec.mels, spec.fft_points // 2 + 1)
    assert (bank.max(axis=1) > 0).all()
    wide = mel_to_hz(np.linspace(*hz_to_mel(np.array(spec.band)), spec.mels + 2))
    well_sampled = (wide[2:] - wide[:-2]) > 8 * line_hz
    np.testing.assert_allclose(bank.sum(axis=1)[well_sampled] * line_hz, 1.0, rtol=0.02)


def reference(samples: np.ndarray, spec: AudioInput) -> np.ndarray:
    """Scaled back from SciPy's short-time transform; triangles by interpolation, line by line."""
    length = spec.fft_points
    window = signal.get_window("hann", spec.fft_samples)
    _, _, spectra = signal.stft(
        samples.astype(np.float64),
        fs=spec.sample_rate,
        window=window,
        nperseg=spec.fft_samples,
        noverlap=spec.fft_samples - spec.step_samples,
        nfft=length,
        boundary=None,
        padded=False,
    )
    power = np.abs(spectra * window.sum()) ** 2
    lines = np.arange(length // 2 + 1) * spec.sample_rate / length
    edges = mel_to_hz(np.linspace(*hz_to_mel(np.array(spec.band)), spec.mels + 2))
    mels = [
        np.interp(lines, edges[band : band + 3], [0.0, 2.0 / (edges[band + 2] - edges[band]), 0.0]) @ power
        for band in range(spec.mels)
    ]
    return np.log(np.array(mels) + POWER_FLOOR)


@pytest.mark.parametrize("spec", SPECS)
def test_log_mel_equals_scipys_transform(spec: AudioInput) -> None:
    random = np.random.default_rng(1)
    time = np.arange(spec.window_samples) / spec.sample_rate
    samples = 0.3 * np.sin(2 * np.pi * 440 * time) + 0.05 * random.standard_normal(len(time))
    ours = log_mel(samples.astype(np.float32), spec)
    assert ours.shape == (spec.mels, spec.steps)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, reference(samples.astype(np.float32), spec), atol=1e-3)


@pytest.mark.parametrize("frequency", [150.0, 440.0, 1000.0, 3000.0])
def test_a_tone_is_loudest_in_its_band(frequency: float) -> None:
    time = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * frequency * time).astype(np.float32)
    loudest = int(log_mel(tone, SPEC).mean(axis=1).argmax())
    edges = mel_to_hz(np.linspace(*hz_to_mel(np.array(SPEC.band)), SPEC.mels + 2))
    assert edges[loudest] <= frequency <= edges[loudest + 2]


def test_silence_is_the_floor_and_black() -> None:
    silence = log_mel(np.zeros(16_000, np.float32), SPEC)
    np.testing.assert_allclose(silence, np.log(POWER_FLOOR), rtol=1e-6)
    assert not spectrogram_picture(silence).any()


def test_picture_has_low_frequencies_at_the_bottom() -> None:
    values = np.full((4, 3), -20.0, np.float32)
    values[0] = 20.0
    shown = spectrogram_picture(values)
    assert shown.shape == (4, 3, 3)
    assert shown.dtype == np.uint8
    assert (shown[3] == 255).all()
    assert not shown[:3].any()


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="one axis"):
        log_mel(np.zeros((2, 16_000), np.float32), SPEC)
    with pytest.raises(ValueError, match="are needed"):
        log_mel(np.zeros(10, np.float32), SPEC)
