"""From the trained net to `spoken.onnx` and its golden file."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mediaml.ops.spectrogram import log_mel
from scripts.training import shipping
from scripts.training.onnx_export import describe, traced
from scripts.training.spoken.compose import compose
from scripts.training.spoken.graph import SpokenGraph
from scripts.training.spoken.net import SpokenNet
from scripts.training.spoken.recordings import Clip
from scripts.training.spoken.sounds import buzz, coloured_noise, melody
from scripts.training.spoken.spec import AUDIO_INPUT, LABELS


def real_windows(clips: Sequence[Clip]) -> NDArray[np.float32]:
    """Windows of strings of spoken digits, float32 [64, mels, steps]."""
    rng = np.random.default_rng(3)
    return np.stack(
        [log_mel(compose(rng, clips, AUDIO_INPUT.window_s).samples, AUDIO_INPUT) for _ in range(64)]
    )


def golden_windows() -> NDArray[np.float32]:
    """Windows made by code: silence, noise, a melody and a voice without words."""
    rng = np.random.default_rng(11)
    size = AUDIO_INPUT.window_samples
    sounds = [np.zeros(size), 0.02 * coloured_noise(rng, size, 1.0), 0.1 * melody(rng, size), buzz(rng, size)]
    return np.stack([log_mel(np.clip(sound, -1, 1).astype(np.float32), AUDIO_INPUT) for sound in sounds])


def ship(net: SpokenNet, clips: Sequence[Clip], output: Path) -> float:
    """Write the ONNX file and its golden file; how much the file differs from the net on real sound."""
    graph = SpokenGraph(net.cpu()).eval()
    free = {0: "batch"}
    example = torch.full((2, AUDIO_INPUT.mels, AUDIO_INPUT.steps), -13.8)
    model = traced(graph, example, {"spectrogram": free, "probabilities": free, "track": free})
    accepts = {"type": "audio", **asdict(AUDIO_INPUT)}
    describe(model, "classifier/1", LABELS, accepts, name="spoken", source="scripts/train_spoken.py")
    apart = shipping.ship(model, graph, output, real=real_windows(clips), golden=golden_windows())
    return max(apart.values())
