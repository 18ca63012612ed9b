"""Sounds that are no digits, made by code: noises, tones, melodies, clicks, cut and reversed speech."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from scripts.training.spoken.recordings import SAMPLE_RATE, Clip

Samples = NDArray[np.float32]
# Backwards, a nine ("n-ai-n") is still close to a nine.
REVERSIBLE = tuple(digit for digit in range(10) if digit != 9)


def coloured_noise(rng: np.random.Generator, count: int, slope: float) -> Samples:
    """Noise of unit RMS whose power falls with frequency to the power `slope`: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.maximum(np.arange(len(spectrum)), 1) / len(spectrum)
    noise = np.fft.irfft(spectrum * frequency ** (-slope / 2), count)
    return np.asarray(noise / (np.sqrt(np.mean(noise**2)) + 1e-12), np.float32)


def hum(rng: np.random.Generator, count: int) -> Samples:
    """Mains hum with harmonics, unit RMS."""
    time = np.arange(count) / SAMPLE_RATE
    base = rng.choice([50.0, 60.0]) * rng.uniform(0.99, 1.01)
    wave = sum(
        rng.uniform(0, 1) / order * np.sin(2 * np.pi * base * order * time + rng.uniform(0, 6.3))
        for order in range(1, 9)
    )
    return np.asarray(wave / (np.sqrt(np.mean(np.square(wave))) + 1e-12), np.float32)


def envelope(rng: np.random.Generator, count: int) -> Samples:
    """A smooth loudness curve 0..1 with one to three humps, as syllables and notes have."""
    points = rng.uniform(0, 1, int(rng.integers(4, 8)))
    points[0] = points[-1] = 0
    curve = np.interp(np.linspace(0, len(points) - 1, count), np.arange(len(points)), points)
    return (np.sin(np.pi / 2 * curve)).astype(np.float32)


def melody(rng: np.random.Generator, count: int) -> Samples:
    """One to four notes one after the other or together, with harmonics, sweeps and vibrato."""
    time = np.arange(count) / SAMPLE_RATE
    result = np.zeros(count)
    for _ in range(int(rng.integers(1, 5))):
        base = float(np.exp(rng.uniform(np.log(80), np.log(1500))))
        sweep = rng.uniform(-1, 1) if rng.random() < 0.3 else 0.0
        vibrato = rng.uniform(0, 0.03) * np.sin(2 * np.pi * rng.uniform(3, 8) * time)
        phase = 2 * np.pi * np.cumsum(base * (1 + sweep * time + vibrato)) / SAMPLE_RATE
        note = np.zeros(count)
        for order in range(1, int(rng.integers(2, 9))):
            if base * order < SAMPLE_RATE / 2:
                note += rng.uniform(0, 1) / order * np.sin(order * phase)
        start = int(rng.uniform(0, 0.6) * count) if rng.random() < 0.6 else 0
        note[:start] = 0
        decay = np.exp(-np.maximum(np.arange(count) - start, 0) / SAMPLE_RATE * rng.uniform(0, 12))
        result += note * decay
    return result.astype(np.float32)


def buzz(rng: np.random.Generator, count: int) -> Samples:
    """A voice without words: a pulse train through two or three random, slowly moving resonances."""
    pitch = rng.uniform(80, 260) * (1 + 0.2 * envelope(rng, count) * rng.choice([-1, 1]))
    pulses = np.diff(np.floor(np.cumsum(pitch) / SAMPLE_RATE), prepend=0.0)
    source = np.fft.rfft(pulses + 0.01 * rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    parts = []
    for _ in range(2):
        gain = np.zeros(len(frequency))
        for low, high in ((250, 900), (800, 2400), (2000, 3500)):
            centre, width = rng.uniform(low, high), rng.uniform(60, 250)
            gain += rng.uniform(0.2, 1) / (1 + ((frequency - centre) / width) ** 2)
        parts.append(np.fft.irfft(source * gain, count))
    blend = np.linspace(0, 1, count)
    return (parts[0] * (1 - blend) + parts[1] * blend).astype(np.float32)


def clicks(rng: np.random.Generator, count: int) -> Samples:
    """Taps and knocks: short decaying bursts at random times."""
    result = np.zeros(count, np.float32)
    for _ in range(int(rng.integers(1, 6))):
        length = int(rng.uniform(0.004, 0.06) * SAMPLE_RATE)
        start = int(rng.integers(0, max(1, count - length)))
        burst = coloured_noise(rng, length, rng.uniform(0, 2)) * np.exp(-5 * np.arange(length) / length)
        result[start : start + length] += burst[: count - start]
    return result


def noise_burst(rng: np.random.Generator, count: int) -> Samples:
    """Noise that swells and fades, as breath, wind and rustling do."""
    return coloured_noise(rng, count, rng.uniform(-1, 2)) * envelope(rng, count)


def fade(samples: Samples, width: int = 80) -> Samples:
    """The sound with its first and last samples faded, so that a cut makes no click."""
    width = min(width, len(samples) // 2)
    result = samples.astype(np.float32).copy()
    if width:
        ramp = np.linspace(0, 1, width, dtype=np.float32)
        result[:width] *= ramp
        result[-width:] *= ramp[::-1]
    return result


def fragment(rng: np.random.Generator, clips: Sequence[Clip]) -> Samples:
    """The first or the last 25 to 45 % of a digit."""
    clip = clips[int(rng.integers(len(clips)))]
    length = int((clip.end - clip.start) * rng.uniform(0.25, 0.45))
    if rng.random() < 0.5:
        return fade(clip.samples[clip.start : clip.start + length])
    return fade(clip.samples[clip.end - length : clip.end])


def spliced(rng: np.random.Generator, clips: Sequence[Clip]) -> Samples:
    """The beginnings of two or three different digits, one right after the other: no word."""
    return np.concatenate([fragment(rng, clips) for _ in range(int(rng.integers(2, 4)))])


def backwards(rng: np.random.Generator, clips: Sequence[Clip]) -> Samples:
    """A digit played backwards."""
    while True:
        clip = clips[int(rng.integers(len(clips)))]
        if clip.digit in REVERSIBLE:
            return fade(clip.samples[clip.start : clip.end][::-1])


def babble(rng: np.random.Generator, clips: Sequence[Clip], count: int, voices: int = 5) -> Samples:
    """Several voices at once, unit RMS: a crowd in which no word can be made out."""
    result = np.zeros(count, np.float32)
    for _ in range(voices):
        position = -int(rng.integers(0, SAMPLE_RATE // 2))
        while position < count:
            clip = clips[int(rng.integers(len(clips)))]
            part = clip.samples / (np.sqrt(np.mean(clip.samples**2)) + 1e-9)
            start, cut = max(position, 0), max(-position, 0)
            part = part[cut : cut + count - start]
            result[start : start + len(part)] += part
            position += len(clip.samples)
    return result / (float(np.sqrt(np.mean(result**2))) + 1e-9)


SYNTHETIC: tuple[Callable[[np.random.Generator, int], Samples], ...] = (
    melody,
    buzz,
    clicks,
    noise_burst,
    hum,
)


def speech(rng: np.random.Generator, words: Sequence[Samples]) -> Samples:
    """One to three words that are no digits, said one right after the other."""
    said = [words[int(rng.integers(len(words)))] for _ in range(int(rng.choice([1, 1, 1, 2, 3])))]
    return np.concatenate([fade(word, 40) for word in said])


def not_a_digit(rng: np.random.Generator, clips: Sequence[Clip], words: Sequence[Samples] = ()) -> Samples:
    """One sound event of 0.1 to 1.2 s, or a few words, that is no digit; its loudness is arbitrary."""
    choice = rng.random()
    if words and choice < 0.35:
        return speech(rng, words)
    if choice < 0.7:
        return (fragment, spliced, backwards)[int(rng.integers(3))](rng, clips)
    make = SYNTHETIC[int(rng.integers(len(SYNTHETIC)))]
    return fade(make(rng, int(rng.uniform(0.1, 1.2) * SAMPLE_RATE)))
