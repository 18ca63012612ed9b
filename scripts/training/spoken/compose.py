"""Strings of digits and other sounds as a microphone might hear them, with a target for every moment.

Targets are sets, one bit a class: near the middle of a digit only that digit is right, further out `other` is
right too or alone, and in a gap with noise both `silence` and `other` are. The loss asks that the
probability of the set be high, so that nothing is forced where the answer is a matter of taste.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.signal import resample

from mediaml.ops.spectrogram import log_mel
from scripts.training.spoken.recordings import SAMPLE_RATE, Clip
from scripts.training.spoken.sounds import Samples, babble, coloured_noise, hum, not_a_digit
from scripts.training.spoken.spec import AUDIO_INPUT, LABELS, OTHER, POSITION_S, SILENCE, position_times

SEQUENCE_S = 3.2
INNER_S, OUTER_S, EDGE_S = 0.075, 0.14, 0.10
SILENCE_BIT, OTHER_BIT = 1 << SILENCE, 1 << OTHER


@dataclass(frozen=True, slots=True)
class Event:
    """A sound in a string: seconds from and to which it is heard; `digit` is None for other sounds."""

    start_s: float
    end_s: float
    digit: int | None

    @property
    def centre_s(self) -> float:
        """The middle of the event."""
        return (self.start_s + self.end_s) / 2


@dataclass(frozen=True, slots=True)
class Composition:
    """Samples float32 [n] at 8 kHz, the events in them, and whether the gaps are audibly noisy."""

    samples: Samples
    events: tuple[Event, ...]
    noisy: bool


def faster(samples: Samples, factor: float) -> Samples:
    """The sound played `factor` times as fast: pitch and formants rise with the tempo.

    It is padded with silence to lengths at which the Fourier transforms are quick.
    """
    padded = next_fast_len(len(samples) + 160, real=True)
    count = next_fast_len(round(padded / factor), real=True)
    stretched = resample(np.pad(samples, (0, padded - len(samples))), count)
    return np.asarray(stretched[: round(len(samples) * count / padded)], np.float32)


def coloration(rng: np.random.Generator, samples: Samples) -> Samples:
    """Microphone and room: random equaliser, band limits, and often an exponentially decaying echo."""
    count = len(samples)
    padded = next_fast_len(count + SAMPLE_RATE // 2, real=True)
    frequency = np.fft.rfftfreq(padded, 1 / SAMPLE_RATE)
    gain_db = np.interp(frequency, np.linspace(0, SAMPLE_RATE / 2, 7), rng.normal(0, 4, 7))
    if rng.random() < 0.4:
        gain_db -= 12 * np.log2(1 + (frequency / rng.uniform(2200, 4000)) ** 4)
    if rng.random() < 0.5:
        gain_db -= 6 * np.log2(1 + (rng.uniform(50, 400) / np.maximum(frequency, 1)) ** 2)
    response = 10 ** (gain_db / 20)
    if rng.random() < 0.4:
        length = int(rng.uniform(0.05, 0.45) * SAMPLE_RATE)
        tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
        tail *= rng.uniform(0.1, 0.7) / np.sqrt(np.sum(tail**2))
        delay = int(rng.uniform(0.001, 0.02) * SAMPLE_RATE)
        response = response * (1 + np.fft.rfft(np.concatenate((np.zeros(delay), tail)), padded))
    return np.asarray(np.fft.irfft(np.fft.rfft(samples, padded) * response, padded)[:count], np.float32)


def background(rng: np.random.Generator, clips: Sequence[Clip], count: int) -> Samples:
    """Steady noise of unit RMS: hiss, rumble, hum or a crowd."""
    choice = rng.random()
    if choice < 0.15:
        return babble(rng, clips, count, int(rng.integers(4, 8)))
    if choice < 0.25:
        return hum(rng, count)
    return coloured_noise(rng, count, rng.uniform(-0.5, 2))


def place(
    rng: np.random.Generator, clips: Sequence[Clip], words: Sequence[Samples], count: int, digits: float
) -> tuple[Samples, tuple[Event, ...]]:
    """Digits (a share `digits` of all events) and other sounds one after the other, with gaps."""
    samples = np.zeros(count, np.float32)
    events = []
    tempo, cursor = float(np.exp(rng.normal(0, 0.15))), int(rng.uniform(0, 0.6) * SAMPLE_RATE)
    while cursor < count:
        digit, start, end = None, 0, 0
        if rng.random() < digits:
            clip = clips[int(rng.integers(len(clips)))]
            factor = float(np.clip(tempo * np.exp(rng.normal(0, 0.05)), 0.65, 1.5))
            part, digit = faster(clip.samples, factor), clip.digit
            start, end = round(clip.start / factor), round(clip.end / factor)
        else:
            part = faster(not_a_digit(rng, clips, words), tempo)
            end = len(part)
        if end + cursor - start > count and digit is not None:
            break
        part = part / (np.abs(part).max() + 1e-6) * 10 ** (rng.normal(0, 4) / 20)
        first = max(0, cursor - start)
        part = part[first - (cursor - start) :][: count - first]
        samples[first : first + len(part)] += part
        events.append(Event(cursor / SAMPLE_RATE, (cursor + end - start) / SAMPLE_RATE, digit))
        cursor += (
            end - start + int(rng.choice([rng.uniform(0.02, 0.15), rng.uniform(0.1, 0.8)]) * SAMPLE_RATE)
        )
    return samples, tuple(events)


def compose(
    rng: np.random.Generator,
    clips: Sequence[Clip],
    seconds: float = SEQUENCE_S,
    digits: float = 0.68,
    words: Sequence[Samples] = (),
) -> Composition:
    """A random string of the clips' digits and other sounds, coloured, in noise, at a random level."""
    count = round(seconds * SAMPLE_RATE)
    samples, events = place(rng, clips, words, count, digits)
    if rng.random() < 0.8:
        samples = coloration(rng, samples)
    level = float(np.abs(samples).max()) or 1.0
    samples = samples / np.float32(level)
    noisy = False
    if rng.random() < 0.8:
        ratio_db = rng.uniform(5, 45)
        noisy = ratio_db < 30
        loud = float(np.sqrt(np.mean(samples**2))) or 0.1
        samples = samples + background(rng, clips, count) * np.float32(loud * 10 ** (-ratio_db / 20))
    if rng.random() < 0.1:
        samples = np.asarray(np.tanh(samples * np.float32(rng.uniform(1, 6))), np.float32)
    samples = samples * np.float32(10 ** (rng.uniform(-35, 0) / 20) / max(1.0, float(np.abs(samples).max())))
    if rng.random() < 0.3:
        samples = np.asarray(np.round(samples * np.float32(32_768)), np.float32) / np.float32(32_768)
    return Composition(samples.astype(np.float32), events, noisy)


def targets(composition: Composition) -> NDArray[np.int16]:
    """For every position of the net the set of right classes, one bit each: int16 [positions]."""
    times = position_times(len(composition.samples))
    gap = SILENCE_BIT | OTHER_BIT if composition.noisy else SILENCE_BIT
    result = np.full(len(times), gap, np.int16)
    for event in composition.events:
        heard = (times >= event.start_s - EDGE_S) & (times <= event.end_s + EDGE_S)
        inside = (times >= event.start_s + EDGE_S) & (times <= event.end_s - EDGE_S)
        result[heard] |= OTHER_BIT | SILENCE_BIT
        result[inside] = OTHER_BIT
    for event in composition.events:
        if event.digit is not None:
            distance = np.abs(times - event.centre_s)
            result[distance <= OUTER_S] |= (1 << event.digit) | OTHER_BIT
            result[distance <= INNER_S] = 1 << event.digit
    return result


def composed_batch(
    rng: np.random.Generator, clips: Sequence[Clip], count: int, words: Sequence[Samples] = ()
) -> tuple[NDArray[np.float16], NDArray[np.int16]]:
    """`count` compositions: log-mel float16 [count, mels, steps] and targets int16 [count, positions]."""
    mels, sets = [], []
    for _ in range(count):
        composition = compose(rng, clips, words=words)
        mels.append(log_mel(composition.samples, AUDIO_INPUT).astype(np.float16))
        sets.append(targets(composition))
    return np.stack(mels), np.stack(sets)


__all__ = ["LABELS", "POSITION_S", "Composition", "Event", "compose", "composed_batch", "targets"]
