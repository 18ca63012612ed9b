"""One media file as our readers read it against `ffprobe` and `ffmpeg`: frames, colours, audio, copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

import numpy as np

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.frame import Frame
from mediaml.core.media import Kind
from mediaml.media.audio.reader import AudioReader
from mediaml.media.limits import Limits
from mediaml.media.reader import open_reader
from scripts.reliability.reference import AUDIO_RATE, Reference, ReferenceFrame, complaints
from scripts.reliability.tone import TRANSFERS, mapped

TOLERANCE_S = 0.001
LEAST_DB = 40.0
# The reader may keep back audio of one spectrum's step at the end; see `windows`.
LENGTH_TOLERANCE_S = 0.010
# Audio that is re-encoded may begin with the 1024 samples of silence that an AAC encoder puts before it.
SYNC_TOLERANCE_S = 0.025
# Where the clock restarts, a part begins when the longest stream before has ended; ffmpeg joins each stream.
JOINT_TOLERANCE_S = 0.1
# Colours are compared on so many frames of a long file.
COMPARED = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was compared: what it is, whether it holds, and the numbers of both sides."""

    aspect: str
    holds: bool
    text: str


def compare_video(reference: Reference, kind: Kind, *, restarts: bool = False) -> Iterator[Finding]:
    """Number, times, displayed size and colours of the frames. HDR is compared before tone mapping.

    Args:
        restarts: whether the clock restarts: ffprobe shows the raw stamps then, ffmpeg those that it joined.
    """
    told = reference.frames()
    expected = [reference.displayed(frame) for frame in told]
    tolerance_s = max(TOLERANCE_S, reference.tick_s() / 2)
    if restarts:
        joined = zip(expected, reference.joined_times(), strict=True)
        expected = [replace(frame, time_s=Fraction(time_s)) for frame, time_s in joined]
        tolerance_s = JOINT_TOLERANCE_S
    if not expected:
        yield Finding("frames", False, "ffprobe finds no frame")
        return
    wanted = set(range(0, len(expected), max(1, len(expected) // COMPARED)))
    if told[0].get("interlaced_frame") and len(expected) > 1:
        wanted.discard(0)  # bwdif guesses the field before the first one, differently in each version.
    times, sizes, levels = [], [], []
    with open_reader(reference.path, kind, limits=Limits(tone_map=False)) as reader:
        frames: Iterator[Frame] = reader.frames()
        head = next(frames)
        images = reference.images(told[0], head.width, head.height, wanted)
        for index, (frame, image) in enumerate(zip_longest(_chained(head, frames), images)):
            if frame is None:
                break  # The counts differ, as the frames' number shows.
            times.append(frame.time_s)
            sizes.append((frame.width, frame.height))
            if image is not None and index in wanted and sizes[-1] == sizes[0]:
                levels.append(psnr(frame.image, image))
    yield Finding("frames", len(times) == len(expected), f"{len(times)} frames, ffprobe {len(expected)}")
    yield _times("times", times, expected, tolerance_s)
    yield _sizes(sizes, expected)
    worst = min(levels, default=0.0)
    yield Finding("colours", worst >= LEAST_DB, f"colours {worst:.1f} dB over {len(levels)} frames")


def compare_tone(reference: Reference) -> Iterator[Finding]:
    """Colours of high dynamic range after tone mapping; nothing for standard range."""
    told = reference.frames()
    if not told or told[0].get("color_transfer") not in TRANSFERS:
        return
    wanted = range(0, len(told), max(1, len(told) // COMPARED))
    with open_reader(reference.path, Kind.VIDEO) as reader:
        pairs = zip(reader.frames(), mapped(reference.path, told[0], wanted), strict=False)
        levels = [psnr(frame.image, image) for frame, image in pairs if image is not None]
    worst = min(levels, default=0.0)
    yield Finding("tone", worst >= LEAST_DB, f"tone-mapped {worst:.1f} dB over {len(levels)} frames")


def _chained(head: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield head
    yield from rest


def _times(aspect: str, times: list[float], expected: list[ReferenceFrame], tolerance_s: float) -> Finding:
    off = [
        (abs(ours - float(theirs.time_s)), ours, float(theirs.time_s))
        for ours, theirs in zip(times, expected, strict=False)
        if theirs.time_s is not None
    ]
    if not off:
        return Finding(aspect, True, "no time stamps")
    far, ours, theirs = max(off)
    wrong = sum(distance > tolerance_s + 1e-6 for distance, _, _ in off)
    text = f"{wrong} of {len(off)} {aspect} off, most {ours:.4f} s, ffprobe {theirs:.4f} s"
    return Finding(aspect, not wrong, text if wrong else f"{aspect} within {far * 1000:.2f} ms")


def _sizes(sizes: list[tuple[int, int]], expected: list[ReferenceFrame]) -> Finding:
    for index, (ours, theirs) in enumerate(zip(sizes, expected, strict=False)):
        if abs(ours[0] - theirs.width) > 1 or abs(ours[1] - theirs.height) > 1:
            text = f"frame {index} is {ours[0]}x{ours[1]}, ffprobe {theirs.width}x{theirs.height}"
            return Finding("size", False, text)
    return Finding("size", True, f"{sizes[0][0]}x{sizes[0][1]}")


def psnr(ours: UInt8Array, theirs: UInt8Array) -> float:
    """Peak signal-to-noise ratio of two uint8 images, dB; 99 where they are equal."""
    if ours.shape != theirs.shape:
        return 0.0
    error = float(np.mean((ours.astype(np.int16) - theirs.astype(np.int16)).astype(np.float32) ** 2))
    return 99.0 if error == 0 else min(99.0, 10 * float(np.log10(255**2 / error)))


def compare_audio(reference: Reference) -> Iterator[Finding]:
    """Start, length and samples of the audio."""
    theirs, start_s = reference.samples(), reference.audio_start_s()
    spec = AudioInput(sample_rate=AUDIO_RATE, window_s=1.0, hop_s=1.0)
    with AudioReader(reference.path, spec) as reader:
        cut = list(reader.windows())
    begins_s = cut[0].time_s
    end_s = max(window.time_s + window.duration_s for window in cut)
    ours = np.zeros(round((end_s - begins_s) * AUDIO_RATE), np.float32)
    for window in cut:
        start = round((window.time_s - begins_s) * AUDIO_RATE)
        length = min(round(window.duration_s * AUDIO_RATE), len(ours) - start)
        ours[start : start + length] = window.samples[:length]
    if start_s is not None:
        holds = abs(begins_s - start_s) <= TOLERANCE_S
        yield Finding("audio start", holds, f"audio from {begins_s:.4f} s, ffprobe {start_s:.4f} s")
    lengths = len(ours) / AUDIO_RATE, len(theirs) / AUDIO_RATE
    holds = abs(lengths[0] - lengths[1]) <= LENGTH_TOLERANCE_S
    yield Finding("audio length", holds, f"audio of {lengths[0]:.4f} s, ffmpeg {lengths[1]:.4f} s")
    level = signal_to_error(ours, theirs)
    yield Finding("audio samples", level >= LEAST_DB, f"audio {level:.1f} dB")


def signal_to_error(ours: Float32Array, theirs: Float32Array) -> float:
    """Power of a signal over that of the difference, dB, at most 99, over the length that both have."""
    length = min(len(ours), len(theirs))
    if not length:
        return 0.0
    error = float(np.mean((ours[:length] - theirs[:length]).astype(np.float64) ** 2))
    power = float(np.mean(theirs[:length].astype(np.float64) ** 2))
    # Rounding to 16 bits is all that there is to a silent file.
    return 99.0 if error < 1e-9 else float(np.clip(10 * np.log10(max(power, 1e-12) / error), -99, 99))


def compare_copy(source: Reference, copy: Path | None, times: list[float]) -> Iterator[Finding]:
    """The annotated copy against its results and its source; `times` are those of the results."""
    if copy is None:
        yield Finding("copy", False, "there is no annotated copy")
        return
    reference = Reference.of(copy)
    said = complaints(copy)
    yield Finding("copy plays", not said, f"copy: {said.splitlines()[0]}" if said else "copy plays")
    # MP4 has a clock of its own that begins at 0, whatever begins first on it.
    reference = replace(reference, start_s=Fraction(0))
    expected = [reference.displayed(frame) for frame in reference.frames()]
    holds = len(expected) == len(times)
    yield Finding("copy frames", holds, f"copy of {len(expected)} frames, results {len(times)}")
    yield _times("copy times", times, expected, max(TOLERANCE_S, reference.tick_s() / 2))
    if source.audio is not None:
        there = reference.audio is not None
        yield Finding("copy audio", there, "copy with audio" if there else "copy without the audio")
        ours, theirs = reference.audio_start_s() if there else None, source.audio_start_s()
        if ours is not None and theirs is not None:
            holds = abs(ours - theirs) <= SYNC_TOLERANCE_S
            yield Finding("copy sync", holds, f"audio of the copy from {ours:.4f} s, source {theirs:.4f} s")
