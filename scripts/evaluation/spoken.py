"""Measures of the spoken-digit model: single clips, strings of digits, and sounds without digits.

Recordings are cut into windows as the reader of the product cuts them, and the answers are picked out of the
tracks by the plugin's own code, so that what is measured is what a person gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaml.ops.spectrogram import log_mel
from mediaml_spoken import AUDIO_INPUT
from mediaml_spoken.peaks import DIGITS, OTHER, SILENCE, own_rows, peaks
from scripts.evaluation.classification import classification_report, plot_confusion, plot_roc_pr
from scripts.training.spoken.compose import background, coloration
from scripts.training.spoken.recordings import SAMPLE_RATE, Clip, load_clips
from scripts.training.spoken.sounds import SYNTHETIC, coloured_noise, fade
from scripts.training.spoken.spec import FIRST_S, LABELS, POSITION_S

Floats = NDArray[np.float32]
# Log-mel windows [n, mels, steps] to tracks [n, positions, labels].
Tracker = Callable[[Floats], Floats]

MIN_SCORE = 0.5
TOLERANCE_S = 0.2
SEED = 7


@dataclass(frozen=True, slots=True)
class Spoken:
    """A digit at a time, in seconds; `score` is 1 for the truth."""

    digit: int
    time_s: float
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Hits:
    """Counts of a comparison: digits that were said, were answered, and were answered rightly in time."""

    said: int
    answered: int
    right: int

    def figures(self) -> dict[str, float]:
        """Recall, precision and the counts."""
        recall, precision = self.right / max(1, self.said), self.right / max(1, self.answered)
        counts = {"said": self.said, "answered": self.answered, "right": self.right}
        return {"recall": round(recall, 4), "precision": round(precision, 4), **counts}


def windows_of(samples: Floats) -> Floats:
    """Log-mel windows [n, mels, steps] of a recording, padded with silence to whole windows."""
    size, hop = AUDIO_INPUT.window_samples, AUDIO_INPUT.hop_samples
    count = 1 + max(0, -(-(len(samples) - size) // hop))
    padded = np.pad(samples, (0, max(0, size + (count - 1) * hop - len(samples)))).astype(np.float32)
    return np.stack([log_mel(padded[index * hop :][:size], AUDIO_INPUT) for index in range(count)])


def digits_in(samples: Floats, track: Tracker, min_score: float = MIN_SCORE) -> list[Spoken]:
    """What the product answers for a recording: digits with their times, in order."""
    return digits_of(track(windows_of(samples)), min_score)


def digits_of(tracks: Floats, min_score: float = MIN_SCORE) -> list[Spoken]:
    """What the product picks out of the tracks of a recording's windows, float32 [n, positions, labels]."""
    found = []
    for index, rows in enumerate(tracks):
        start, stop = own_rows(len(rows), index == 0, index == len(tracks) - 1)
        offset = index * AUDIO_INPUT.hop_s + FIRST_S
        found += [
            Spoken(peak.digit, offset + peak.row * POSITION_S, peak.score)
            for peak in peaks(rows, start, stop, min_score)
        ]
    return found


def strongest(tracks: Floats) -> Floats:
    """The row of probabilities [labels] at which a digit is likeliest in a recording; it sums to one."""
    rows = tracks.reshape(-1, len(LABELS))
    row: Floats = rows[rows[:, :DIGITS].max(axis=1).argmax()]
    return row


def compare(truth: Sequence[Spoken], answers: Sequence[Spoken]) -> Hits:
    """Match each digit that was said with at most one answer of the same digit within `TOLERANCE_S`."""
    free = list(answers)
    right = 0
    for said in truth:
        near = [a for a in free if a.digit == said.digit and abs(a.time_s - said.time_s) <= TOLERANCE_S]
        if near:
            free.remove(min(near, key=lambda answer: abs(answer.time_s - said.time_s)))
            right += 1
    return Hits(len(truth), len(answers), right)


def total(hits: Iterable[Hits]) -> Hits:
    """The sum of several comparisons."""
    rows = [(hit.said, hit.answered, hit.right) for hit in hits] or [(0, 0, 0)]
    return Hits(*(int(value) for value in np.sum(rows, axis=0)))


def string_of(
    rng: np.random.Generator, clips: Sequence[Clip], noise_db: float | None, colored: bool = False
) -> tuple[Floats, list[Spoken]]:
    """Three to seven digits with gaps of 0.1 to 0.7 s, clean or in noise: samples and the truth."""
    parts: list[Floats] = [np.zeros(int(rng.uniform(0, 0.6) * SAMPLE_RATE), np.float32)]
    truth, cursor = [], len(parts[0])
    for index in rng.integers(len(clips), size=int(rng.integers(3, 8))):
        clip = clips[int(index)]
        truth.append(Spoken(clip.digit, (cursor + clip.centre) / SAMPLE_RATE))
        gap = np.zeros(int(rng.uniform(0.1, 0.7) * SAMPLE_RATE), np.float32)
        parts += [clip.samples / max(1e-3, float(np.abs(clip.samples).max())) * np.float32(0.3), gap]
        cursor += len(clip.samples) + len(gap)
    samples = np.concatenate(parts)
    if colored:
        samples = coloration(rng, samples)
    if noise_db is not None:
        level = float(np.sqrt(np.mean(samples**2))) * 10 ** (-noise_db / 20)
        samples = samples + background(rng, clips, len(samples)) * np.float32(level)
    return samples.astype(np.float32), truth


def without_digits(rng: np.random.Generator, count: int) -> list[tuple[Floats, int]]:
    """Recordings of 2 s without a digit and what they are: quiet noise, or tones, clicks, hum and buzzing."""
    size = 2 * SAMPLE_RATE
    items: list[tuple[Floats, int]] = []
    for index in range(count):
        if index % 3 == 0:
            loud = np.float32(10 ** (rng.uniform(-80, -60) / 20))
            items.append((coloured_noise(rng, size, rng.uniform(0, 2)) * loud, SILENCE))
            continue
        sound = fade(SYNTHETIC[index % len(SYNTHETIC)](rng, size))
        peak = max(1e-6, float(np.abs(sound).max()))
        items.append((sound / np.float32(peak) * np.float32(10 ** (rng.uniform(-25, -1) / 20)), OTHER))
    return items


def measure(clips: Sequence[Clip], track: Tracker, strings: int = 40, others: int = 60) -> dict[str, Any]:
    """All measures over these clips; `rows` and `truth` are what the classification report is made of."""
    rng = np.random.default_rng(SEED)
    blanks = without_digits(rng, others)
    tracks = [track(windows_of(clip.samples)) for clip in clips]
    empty = [track(windows_of(samples)) for samples, _ in blanks]
    rows = [strongest(found) for found in tracks + empty]
    truth = [clip.digit for clip in clips] + [label for _, label in blanks]
    forced = [int(row[:DIGITS].argmax()) == clip.digit for row, clip in zip(rows, clips, strict=False)]
    alone = [[spoken.digit for spoken in digits_of(found)] for found in tracks]
    result: dict[str, Any] = {
        "accuracy": float(np.mean(forced)),
        "answered_once_and_right": float(
            np.mean([found == [clip.digit] for found, clip in zip(alone, clips, strict=True)])
        ),
        "false_alarms_per_minute": sum(len(digits_of(found)) for found in empty) / (2 * len(blanks) / 60),
        "rows": np.stack(rows),
        "truth": np.array(truth),
    }
    for name, noise_db, colored in (("strings", None, False), ("strings_in_noise_15db", 15.0, True)):
        made = [string_of(rng, clips, noise_db, colored) for _ in range(strings)]
        result[name] = total(compare(said, digits_in(samples, track)) for samples, said in made)
    return result


def onnx_tracker(model: Path) -> Tracker:
    """The shipped graph on ONNX Runtime, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def track(windows: Floats) -> Floats:
        answer: Floats = session.run(["track"], {session.get_inputs()[0].name: windows})[0]
        return answer

    return track


def evaluate(model: Path, data: Path, plots: Path | None) -> dict[str, Any]:
    """Measure the model on the dataset's clips.

    The shipped net has heard all six speakers: what this measures is that the file works, not how it does
    on a new voice. That is in the card (leave-one-speaker-out), which `scripts/train_spoken.py --loso`
    computes.

    Args:
        model: the ONNX file; data: the folder with `spoken_digits/fsdd.tar.xz`, or that folder itself.
        plots: where PNGs go.
    """
    archive = next(p for p in (data / "spoken_digits" / "fsdd.tar.xz", data / "fsdd.tar.xz") if p.is_file())
    result = measure(load_clips(archive)[::5], onnx_tracker(model))
    rows, truth = result.pop("rows"), result.pop("truth")
    report = classification_report(rows, truth, LABELS)
    if plots is not None:
        plot_confusion(LABELS, report["confusion"]["matrix"], plots / "spoken-confusion.png")
        plot_roc_pr(rows, np.eye(len(LABELS))[truth] > 0, plots / "spoken-curves.png", name=",".join(LABELS))
    figures = {name: value.figures() if isinstance(value, Hits) else value for name, value in result.items()}
    return {**report, **figures, "seen_in_training": True}
