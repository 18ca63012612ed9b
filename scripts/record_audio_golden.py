"""Record what other programs make of a signal, for the tests of `AudioInput`.

    python -m scripts.record_audio_golden tests/ops/golden/audio_features.npz

Runs where librosa, transformers, tensorflow and kaldi-native-fbank are installed; the tests only replay. The
arrays are [mels, steps]; of Whisper's 3000 steps every 60th is kept.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Array, Float32Array

WHISPER_STRIDE = 60


def signal(rate: int, seconds: float) -> Float32Array:
    """A chirp, two tones, quiet noise, a click and silence, float32 [rate x seconds]; the same everywhere."""
    count = round(rate * seconds)
    time = np.arange(count) / rate
    share = time / seconds
    noise = (np.arange(count, dtype=np.uint64) * 2_654_435_761 % 65_521) / 32_760.5 - 1
    chirp = 0.3 * np.sin(2 * np.pi * (100 + 1500 * time / (2 * seconds)) * time)
    tones = 0.2 * np.sin(2 * np.pi * 440 * time) + 0.01 * np.sin(2 * np.pi * 0.4 * rate * time)
    mixed = np.where(share < 0.4, chirp, np.where(share < 0.7, tones, 0.0)) + 0.002 * noise * (share < 0.85)
    mixed[round(0.75 * count)] = 0.9
    return mixed.astype(np.float32)


def yamnet() -> Array:
    """YAMNet's log-mel spectrogram, by TensorFlow's own transform and filters and YAMNet's parameters."""
    tensorflow: Any = import_module("tensorflow")
    spectra = tensorflow.abs(tensorflow.signal.stft(signal(16_000, 0.975), 400, 160, 512))
    filters = tensorflow.signal.linear_to_mel_weight_matrix(64, 257, 16_000, 125.0, 7500.0)
    values: Array = np.asarray(tensorflow.math.log(tensorflow.matmul(spectra, filters) + 0.001))
    return values.T


def librosa_defaults(**how: Any) -> Array:
    """`melspectrogram` and `power_to_db` with what they take by default."""
    librosa: Any = import_module("librosa")
    mels = librosa.feature.melspectrogram(y=signal(22_050, 1.0), sr=22_050)
    values: Array = librosa.power_to_db(mels, **how)
    return values


def librosa_htk() -> Array:
    """HTK's scale as librosa and torchaudio read it, magnitude, no area norm."""
    librosa: Any = import_module("librosa")
    mels = librosa.feature.melspectrogram(
        y=signal(16_000, 1.0), sr=16_000, n_fft=512, win_length=400, hop_length=160, n_mels=40, power=1.0,
        htk=True, norm=None, pad_mode="reflect", window="hamming", fmin=20.0, fmax=7600.0,
    )  # fmt: skip
    values: Array = librosa.amplitude_to_db(mels)
    return values


def whisper(mels: int) -> Array:
    """The features of transformers' `WhisperFeatureExtractor`."""
    transformers: Any = import_module("transformers")
    extractor = transformers.WhisperFeatureExtractor(feature_size=mels)
    features = extractor(signal(16_000, 4.0), sampling_rate=16_000, return_tensors="np")
    values: Array = features["input_features"][0][:, ::WHISPER_STRIDE]
    return values


def kaldi() -> Array:
    """Kaldi's log filter banks with its default options, without dither; samples in the range of int16."""
    native: Any = import_module("kaldi_native_fbank")
    options = native.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80
    bank = native.OnlineFbank(options)
    bank.accept_waveform(16_000, (signal(16_000, 1.0) * np.float32(32_768)).tolist())
    bank.input_finished()
    return np.array([bank.get_frame(index) for index in range(bank.num_frames_ready)]).T


def wav2vec2() -> Array:
    """A waveform as transformers' `Wav2Vec2FeatureExtractor` normalises it, float32 [1, n]."""
    transformers: Any = import_module("transformers")
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    values: Array = extractor(signal(16_000, 0.25), sampling_rate=16_000, return_tensors="np")["input_values"]
    return values


def main() -> None:
    """Record all of them into the file that is named."""
    recorded = {
        "yamnet": yamnet(),
        "librosa": librosa_defaults(),
        "librosa_max": librosa_defaults(ref=np.max, top_db=None),
        "librosa_htk": librosa_htk(),
        "whisper_80": whisper(80),
        "whisper_128": whisper(128),
        "kaldi": kaldi(),
        "wav2vec2": wav2vec2(),
    }
    stored: dict[str, Any] = {name: values.astype(np.float32) for name, values in recorded.items()}
    np.savez_compressed(Path(sys.argv[1]), **stored)


if __name__ == "__main__":
    main()
