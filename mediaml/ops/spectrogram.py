"""Log-mel spectrograms of audio, as `AudioInput` describes them.

Slaney's mel scale (Auditory Toolbox, 1998) is linear below 1 kHz and logarithmic above; unlike the HTK
formula it leaves no band without a spectral line at the short windows and many bands that are usual here.
Decibels, their floor and their range are librosa's (`power_to_db`); the order within a spectrum is Kaldi's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import require

POWER_FLOOR = 1e-6
QUIETEST = float(np.log(POWER_FLOOR))
LOUDEST = 6.0
LINEAR_HZ_PER_MEL = 200.0 / 3.0
BREAK_HZ = 1000.0
BREAK_MEL = BREAK_HZ / LINEAR_HZ_PER_MEL
LOG_STEP = float(np.log(6.4)) / 27.0
_LN10 = float(np.log(10.0))
# Window functions: the constant, the factors of the cosines of one and of two turns, and an exponent.
_COSINES = {
    "hann": (0.5, 0.5, 0.0, 1.0),
    "hamming": (0.54, 0.46, 0.0, 1.0),
    "povey": (0.5, 0.5, 0.0, 0.85),
    "blackman": (0.42, 0.5, 0.08, 1.0),
    "rectangular": (1.0, 0.0, 0.0, 1.0),
}
# Of a window of constant samples, whose variance is 0.
_LEAST_VARIANCE = 1e-7


def hz_to_mel(frequency: NDArray[np.float64], scale: str = "slaney") -> NDArray[np.float64]:
    """Mel of a frequency in Hz, on Slaney's scale or on that of HTK."""
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + frequency / 700.0)
    above = BREAK_MEL + np.log(np.maximum(frequency, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return np.where(frequency < BREAK_HZ, frequency / LINEAR_HZ_PER_MEL, above)


def mel_to_hz(mel: NDArray[np.float64], scale: str = "slaney") -> NDArray[np.float64]:
    """Frequency in Hz of a mel, on Slaney's scale or on that of HTK."""
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    above = BREAK_HZ * np.exp(LOG_STEP * (np.maximum(mel, BREAK_MEL) - BREAK_MEL))
    return np.where(mel < BREAK_MEL, mel * LINEAR_HZ_PER_MEL, above)


@lru_cache(maxsize=8)
def mel_filterbank(spec: AudioInput) -> Float32Array:
    """Triangular filters, float32 [mels, fft_points / 2 + 1]; read-only. See `AudioInput` for their kinds."""
    lines = np.fft.rfftfreq(spec.fft_points, 1.0 / spec.sample_rate).astype(np.float64)
    low, high = hz_to_mel(np.array(spec.band, dtype=np.float64), spec.scale)
    corners: NDArray[np.float64] = np.linspace(low, high, spec.mels + 2, dtype=np.float64)
    edges = mel_to_hz(corners, spec.scale)
    if spec.triangles == "mel":
        triangles = _triangles(hz_to_mel(lines, spec.scale), corners)
    else:
        triangles = _triangles(lines, edges)
    if spec.norm == "slaney":
        triangles *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    bank: Float32Array = triangles.astype(np.float32)
    bank.flags.writeable = False
    return bank


def _triangles(at: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangles of height 1 between each corner's neighbours, float64 [corners - 2, at]."""
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (at - left) / (centre - left), (right - at) / (right - centre)
    return np.maximum(0.0, np.minimum(rising, falling))


@lru_cache(maxsize=8)
def _taper(spec: AudioInput) -> Float32Array:
    """The window function of one spectrum, float32 [fft_samples]; read-only."""
    count = spec.fft_samples
    symmetric = spec.taper == "povey" or spec.taper.endswith("-symmetric")
    turn = 2.0 * np.pi * np.arange(count) / (max(1, count - 1) if symmetric else count)
    name = spec.taper.removesuffix("-symmetric")
    constant, first, second, exponent = _COSINES[name]
    shape = (constant - first * np.cos(turn) + second * np.cos(2.0 * turn)) ** exponent
    window: Float32Array = shape.astype(np.float32)
    window.flags.writeable = False
    return window


def log_mel(samples: Float32Array, spec: AudioInput) -> Float32Array:
    """The log-mel spectrogram of mono audio, by default the natural logarithm of the mel power (+ 1e-6).

    Args:
        samples: float32 [n], full scale -1..1, at `spec.sample_rate`.

    Returns:
        float32 [mels, steps], low frequencies first, normalised by `spec.mean` and `spec.std`. Of a whole
        window, `spec.steps` steps.

    Raises:
        ValueError: the audio is not mono, or is shorter than one spectrum's stretch.
    """
    require(samples.ndim == 1, f"audio must have one axis, not shape {samples.shape}")
    require(len(samples) >= spec.fft_samples, f"{len(samples)} samples, {spec.fft_samples} are needed")
    spectra = np.fft.rfft(_stretches(samples, spec) * _taper(spec), spec.fft_points, axis=1)
    strength = (spectra.real**2 + spectra.imag**2).astype(np.float32)
    if spec.power == 1:
        strength = np.sqrt(strength)
    mels = mel_filterbank(spec) @ (strength[:-1] if spec.drop_last else strength).T
    return _normalised(_ranged(_logarithm(mels, spec), spec), spec)


def waveform(samples: Float32Array, spec: AudioInput) -> Float32Array:
    """Samples float32 [n] as a model of waveforms gets them: multiplied by the gain, and normalised."""
    return _normalised(samples * np.float32(spec.gain) if spec.gain != 1.0 else samples, spec)


def _stretches(samples: Float32Array, spec: AudioInput) -> Float32Array:
    """The stretches of all spectra, float32 [steps, fft_samples], scaled and emphasised but not tapered."""
    if spec.gain != 1.0:
        samples = samples * np.float32(spec.gain)
    if spec.padding != "none":
        half = spec.fft_points // 2
        samples = np.pad(samples, half, mode="reflect" if spec.padding == "reflect" else "constant")
        # The transform is over `fft_points` samples, of which the middle ones are tapered to more than zero.
        lead = (spec.fft_points - spec.fft_samples) // 2
        samples = samples[lead : len(samples) - (spec.fft_points - spec.fft_samples - lead)]
    cut: Float32Array = sliding_window_view(samples, spec.fft_samples)[:: spec.step_samples]
    if spec.remove_dc:
        cut = cut - cut.mean(axis=1, keepdims=True)
    if spec.preemphasis:
        before = np.concatenate((cut[:, :1], cut[:, :-1]), axis=1)
        cut = cut - np.float32(spec.preemphasis) * before
    return cut


def _logarithm(mels: Float32Array, spec: AudioInput) -> Float32Array:
    values = mels + np.float32(spec.offset)
    if spec.floor > 0:
        values = _at_least(values, np.float32(spec.floor))
    if spec.log == "none":
        return values
    if spec.log == "ln":
        return np.asarray(np.log(values), dtype=np.float32)
    logarithms = np.log10(values)
    if spec.log == "db":
        logarithms = logarithms * np.float32(20.0 / spec.power)
        if spec.reference == "max":
            logarithms = logarithms - logarithms.max()
    return np.asarray(logarithms, dtype=np.float32)


def _ranged(values: Float32Array, spec: AudioInput) -> Float32Array:
    """With what is more than `top_db` below the loudest value raised to there."""
    if spec.top_db is None:
        return values
    decades = spec.top_db * spec.power / 20.0
    if spec.log == "none":
        return _at_least(values, values.max() * np.float32(10.0**-decades))
    unit = {"ln": _LN10, "log10": 1.0, "db": 20.0 / spec.power}[spec.log]
    return _at_least(values, values.max() - np.float32(decades * unit))


def _at_least(values: Float32Array, floor: np.float32) -> Float32Array:
    raised: Float32Array = np.maximum(values, floor)
    return raised


def _normalised(values: Float32Array, spec: AudioInput) -> Float32Array:
    if spec.standardise:
        values = (values - values.mean()) / np.sqrt(values.var() + np.float32(_LEAST_VARIANCE))
    if (spec.mean, spec.std) != (0.0, 1.0):
        values = (values - np.float32(spec.mean)) / np.float32(spec.std)
    return np.asarray(values, dtype=np.float32)


@lru_cache(maxsize=8)
def display_input(spec: AudioInput) -> AudioInput:
    """The input whose spectrograms `spectrogram_picture` shows: a model's windows, and its bands if any."""
    plain: dict[str, Any] = {"features": "log-mel", "gain": 1.0, "remove_dc": False, "preemphasis": 0.0}
    plain |= {"power": 2, "norm": "slaney", "offset": POWER_FLOOR, "floor": 0.0, "log": "ln"}
    plain |= {"reference": "one", "top_db": None, "standardise": False, "mean": 0.0, "std": 1.0}
    if spec.features == "waveform":
        fft_s = min(spec.fft_s, spec.window_s)
        plain |= {"fft_s": fft_s, "step_s": min(spec.step_s, fft_s), "band": (0.0, spec.sample_rate / 2)}
        plain |= {"n_fft": None, "padding": "none", "drop_last": False, "mels": 64}
    return replace(spec, **plain)


def spectrogram_picture(log_mel: Float32Array) -> UInt8Array:
    """A grey image of a log-mel spectrogram of the default `power`, `log`, `norm` and `offset`.

    Low frequencies are at the bottom. Silence (the floor of `log_mel`) is black; white is e^6 of mel power,
    about a full-scale tone. The range is fixed, so that windows of one recording can be compared by eye.

    Args:
        log_mel: float32 [mels, steps].

    Returns:
        uint8 [mels, steps, 3].
    """
    level = (log_mel[::-1] - QUIETEST) * (255.0 / (LOUDEST - QUIETEST))
    grey = np.clip(np.rint(level), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)
