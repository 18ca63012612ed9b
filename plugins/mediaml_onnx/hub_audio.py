"""transformers' feature extractors of audio, as `AudioInput`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Kaldi's least energy, the machine epsilon of float32.
_KALDI_FLOOR = 1.1920929e-07


def audio_fields(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a `preprocessor_config.json` says; none where it is not about audio that is known."""
    kind = str(said.get("feature_extractor_type", ""))
    if kind.startswith("Wav2Vec2"):
        return _waveform(said)
    if kind.startswith("AST"):
        return _spectrogram_transformer(said)
    if kind.startswith("Whisper"):
        return _whisper(said)
    return {}


def _waveform(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "features": "waveform",
        "sample_rate": int(said.get("sampling_rate", 16_000)),
        "standardise": bool(said.get("do_normalize", True)),
    }


def _spectrogram_transformer(said: Mapping[str, Any]) -> dict[str, Any]:
    """The Audio Spectrogram Transformer: Kaldi's filter banks of samples in -1..1, with a Hann window."""
    rate, steps = int(said.get("sampling_rate", 16_000)), int(said.get("max_length", 1024))
    # As many samples as give so many spectra of 25 ms, 10 ms apart.
    seconds = 0.010 * (steps - 1) + 0.025
    fields: dict[str, Any] = {
        "sample_rate": rate,
        "window_s": seconds,
        "hop_s": seconds,
    }
    fields |= {"layout": "TF", "n_fft": 512, "mels": int(said.get("num_mel_bins", 128))}
    fields |= {"band": (20.0, rate / 2), "scale": "htk", "triangles": "mel", "norm": "none"}
    fields |= {"taper": "hann-symmetric", "remove_dc": True, "preemphasis": 0.97}
    fields |= {"offset": 0.0, "floor": _KALDI_FLOOR}
    if said.get("do_normalize", True):
        fields |= {"mean": float(said.get("mean", -4.2677393)), "std": 2 * float(said.get("std", 4.5689974))}
    return fields


def _whisper(said: Mapping[str, Any]) -> dict[str, Any]:
    rate, points = int(said.get("sampling_rate", 16_000)), int(said.get("n_fft", 400))
    seconds = float(said.get("chunk_length", 30))
    fields: dict[str, Any] = {"sample_rate": rate, "window_s": seconds, "hop_s": seconds, "n_fft": points}
    fields |= {"fft_s": points / rate, "step_s": int(said.get("hop_length", 160)) / rate}
    fields |= {"mels": int(said.get("feature_size", 80)), "band": (0.0, rate / 2), "padding": "reflect"}
    fields |= {"drop_last": True, "offset": 0.0, "floor": 1e-10, "log": "log10", "top_db": 80.0}
    return fields | {"mean": -4.0, "std": 4.0}
