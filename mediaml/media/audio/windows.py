"""Decoded audio to mono samples at one rate, and those to overlapping windows; one window is kept at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from mediaml.core.arrays import Float32Array
from mediaml.core.audio_input import AudioInput
from mediaml.media.audio.channels import EMPTY, MonoMix

# Audio that is missing for longer than this starts new windows at its true time.
GAP_S = 0.25
# Shorter holes, as between the parts of a joined recording, are silence; below this it is jitter.
JITTER_S = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One window of audio.

    Attributes:
        time_s, duration_s: seconds on the container's clock, and of the audio in it.
        samples: float32 [window_samples], zeros behind the end of the audio.
    """

    time_s: float
    duration_s: float
    samples: Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Consecutive mono samples, float32 [n].

    Attributes:
        anchor_s: time of the first sample in seconds where audio restarts; `None` goes on.
    """

    samples: Float32Array
    anchor_s: float | None


class Resampling:
    """Mono audio of any rate, also one that changes on the way, to one rate."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._source = 0
        self._resampler: AudioResampler | None = None

    def feed(self, samples: Float32Array, rate: int) -> Float32Array:
        """What comes out when samples float32 [n] at `rate` Hz go in; a few ms come with the next."""
        before = EMPTY
        if rate != self._source:
            before = self.rest()
            self._source = rate
            self._resampler = None if rate == self._rate else AudioResampler("flt", "mono", self._rate)
        if self._resampler is None:
            return np.concatenate((before, samples))
        frame = AudioFrame.from_ndarray(samples[None, :], "flt", "mono")
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        return _joined([before, *map(_samples, self._resampler.resample(frame))])

    def rest(self) -> Float32Array:
        """What is still inside."""
        resampler, self._resampler, self._source = self._resampler, None, 0
        return EMPTY if resampler is None else _joined(list(map(_samples, resampler.resample(None))))


def _samples(frame: AudioFrame) -> Float32Array:
    return cast(Float32Array, frame.to_ndarray()).reshape(-1)


def _joined(parts: list[Float32Array]) -> Float32Array:
    return np.concatenate(parts) if parts else EMPTY


def resampled(
    placed: Iterable[tuple[float, float, AudioFrame]], rate: int, *, layout: str = ""
) -> Iterator[Chunk]:
    """Decoded frames with their times and durations to mono chunks at `rate` Hz.

    Args:
        placed: as `Timeline.place` yields them.
        rate: Hz.
        layout: the stream's channels, see `layout_of`.
    """
    mixing = MonoMix(layout)
    resampling = Resampling(rate)
    expected_s: float | None = None
    for time_s, _, frame in placed:
        if frame.samples == 0 or frame.sample_rate <= 0:
            continue
        anchor_s = None
        if expected_s is None or time_s - expected_s > GAP_S:
            yield Chunk(resampling.rest(), None)
            anchor_s = expected_s = time_s
        elif (hole_s := time_s - expected_s) > JITTER_S:
            silence = np.zeros(round(hole_s * frame.sample_rate), np.float32)
            yield Chunk(resampling.feed(silence, frame.sample_rate), None)
            expected_s = time_s
        yield Chunk(resampling.feed(mixing.mix(frame), frame.sample_rate), anchor_s)
        expected_s += frame.samples / frame.sample_rate
    yield Chunk(resampling.rest(), None)


def windows(chunks: Iterable[Chunk], spec: AudioInput) -> Iterator[Window]:
    """Overlapping windows on the grid of `spec.hop_samples` from each anchor.

    The last one is filled up with zeros where audio of at least one spectrum's step is in no window yet, so
    nothing is lost; audio shorter than a window gives one.
    """
    cutter = _Cutter(spec, 0.0)
    for chunk in chunks:
        if chunk.anchor_s is not None:
            yield from cutter.last()
            cutter = _Cutter(spec, chunk.anchor_s)
        yield from cutter.cut(chunk.samples)
    yield from cutter.last()


class _Cutter:
    """Cuts one unbroken stretch of audio into windows."""

    def __init__(self, spec: AudioInput, anchor_s: float) -> None:
        self._spec = spec
        self._anchor_s = anchor_s
        self._kept = EMPTY
        self._skip = 0
        self._start = 0
        self._covered = 0

    def cut(self, samples: Float32Array) -> Iterator[Window]:
        """The windows that are full with these samples."""
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        self._kept = np.concatenate((self._kept, samples[skipped:]))
        while len(self._kept) >= self._spec.window_samples and self._skip == 0:
            yield self._window(self._kept[: self._spec.window_samples])
            self._skip = max(0, self._spec.hop_samples - len(self._kept))
            self._kept = self._kept[self._spec.hop_samples :]
            self._start += self._spec.hop_samples

    def last(self) -> Iterator[Window]:
        """The window of what is left, if that is worth one."""
        end = self._start + len(self._kept)
        news = end - max(self._covered, self._start)
        if len(self._kept) and (self._covered == 0 or news >= self._spec.step_samples):
            yield self._window(self._kept)

    def _window(self, samples: Float32Array) -> Window:
        rate = self._spec.sample_rate
        full = np.zeros(self._spec.window_samples, dtype=np.float32)
        full[: len(samples)] = samples
        self._covered = self._start + len(samples)
        return Window(self._anchor_s + self._start / rate, len(samples) / rate, full)
