"""Log-mel spectrograms of audio.

Frequencies are spaced on Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above,
with triangles of equal area, as in librosa's default. Unlike the HTK formula it leaves no band without a
spectral line at the short windows and many bands that are usual here.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.errors import require
from mediaml.core.model_input import SoundInput

POWER_FLOOR = 1e-6
QUIETEST = float(np.log(POWER_FLOOR))
LOUDEST = 6.0
LINEAR_HZ_PER_MEL = 200.0 / 3.0
BREAK_HZ = 1000.0
BREAK_MEL = BREAK_HZ / LINEAR_HZ_PER_MEL
LOG_STEP = float(np.log(6.4)) / 27.0


def hz_to_mel(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel of a frequency in Hz."""
    above = BREAK_MEL + np.log(np.maximum(frequency, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return np.where(frequency < BREAK_HZ, frequency / LINEAR_HZ_PER_MEL, above)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequency in Hz of Slaney's mel."""
    above = BREAK_HZ * np.exp(LOG_STEP * (np.maximum(mel, BREAK_MEL) - BREAK_MEL))
    return np.where(mel < BREAK_MEL, mel * LINEAR_HZ_PER_MEL, above)


def transform_length(spec: SoundInput) -> int:
    """Points of the Fourier transform: the window, zero-padded to the next power of two."""
    return 1 << (spec.fft_samples - 1).bit_length()


@lru_cache(maxsize=8)
def mel_filterbank(spec: SoundInput) -> Float32Array:
    """Triangular filters, float32 [mels, transform_length / 2 + 1], each of area 1 over Hz; read-only."""
    lines = np.fft.rfftfreq(transform_length(spec), 1.0 / spec.sample_rate)
    low, high = hz_to_mel(np.array(spec.band, dtype=np.float64))
    edges = mel_to_hz(np.linspace(low, high, spec.mels + 2))
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (lines - left) / (centre - left), (right - lines) / (right - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (right - left))
    bank: Float32Array = triangles.astype(np.float32)
    bank.flags.writeable = False
    return bank


@lru_cache(maxsize=8)
def _hann(samples: int) -> Float32Array:
    """Periodic Hann window, float32 [samples]; read-only."""
    window = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(samples) / samples)).astype(np.float32)
    window.flags.writeable = False
    return window


def log_mel(samples: Float32Array, spec: SoundInput) -> Float32Array:
    """Natural logarithm of the mel power (+ 1e-6) of mono audio.

    Args:
        samples: float32 [n], full scale -1..1, at `spec.sample_rate`.

    Returns:
        float32 [mels, steps], low frequencies first; 1 + (n - fft_samples) // step_samples steps: no spectrum
        reaches over the edges.

    Raises:
        ValueError: the audio is not mono, or is shorter than one spectrum's window.
    """
    require(samples.ndim == 1, f"audio must have one axis, not shape {samples.shape}")
    require(len(samples) >= spec.fft_samples, f"{len(samples)} samples, {spec.fft_samples} are needed")
    windows = sliding_window_view(samples, spec.fft_samples)[:: spec.step_samples]
    spectra = np.fft.rfft(windows * _hann(spec.fft_samples), transform_length(spec), axis=1)
    power = (spectra.real**2 + spectra.imag**2).astype(np.float32)
    mels = mel_filterbank(spec) @ power.T
    return np.asarray(np.log(mels + np.float32(POWER_FLOOR)), dtype=np.float32)


def spectrogram_picture(log_mel: Float32Array) -> UInt8Array:
    """A grey image of a log-mel spectrogram, low frequencies at the bottom.

    Silence (the floor of `log_mel`) is black; white is e^6 of mel power, about a full-scale tone. The range
    is fixed, so that windows of one recording can be compared by eye.

    Args:
        log_mel: float32 [mels, steps].

    Returns:
        uint8 [mels, steps, 3].
    """
    level = (log_mel[::-1] - QUIETEST) * (255.0 / (LOUDEST - QUIETEST))
    grey = np.clip(np.rint(level), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)
