"""Digits said faster or slower at the same pitch: people differ in tempo by more than in anything else.

`compose.faster` moves tempo, pitch and formants together, as another size of the speaker
does; this moves the tempo alone, by FFmpeg's `atempo` (waveform similarity overlap-add).
"""

from collections.abc import Sequence
from typing import Any

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from scripts.training.spoken.recordings import SAMPLE_RATE, Clip, active_part

LEAST, MOST = 0.65, 1.5


def at_tempo(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Mono samples float32 [n] at 8 kHz played `factor` times as fast, float32 [about n / factor]."""
    graph = Graph()
    source = graph.add_abuffer(format="flt", sample_rate=SAMPLE_RATE, layout="mono")
    tempo, sink = graph.add("atempo", f"{factor:.4f}"), graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="flt", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    source.push(frame)
    source.push(None)
    parts = []
    while True:
        try:
            part: Any = sink.pull()
        except (av.BlockingIOError, av.EOFError):
            break
        parts.append(part.to_ndarray()[0])
    return np.concatenate(parts) if parts else samples


def in_tempos(clips: Sequence[Clip], count: int, seed: int) -> list[Clip]:
    """The clips, and each of them at `count` other tempos."""
    rng = np.random.default_rng(seed)
    result = list(clips)
    for clip in clips:
        for factor in np.exp(rng.uniform(np.log(LEAST), np.log(MOST), count)).tolist():
            samples = at_tempo(clip.samples, factor)
            name = f"{clip.name}-{factor:.2f}"
            result.append(Clip(name, clip.digit, clip.speaker, samples, *active_part(samples)))
    return result
