"""The Free Spoken Digit Dataset: its clips by speaker, and where in each clip the digit is spoken."""

import io
import tarfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8_000
# A digit is heard where the 20 ms level is at most this far below the clip's loudest.
ACTIVE_DB = 30.0


@dataclass(frozen=True, slots=True)
class Clip:
    """One spoken digit.

    samples: float32 [n] at 8 kHz, -1..1; start, end: samples between which the digit is heard.
    """

    name: str
    digit: int
    speaker: str
    samples: NDArray[np.float32]
    start: int
    end: int

    @property
    def centre(self) -> float:
        """The middle of what is heard, in samples."""
        return (self.start + self.end) / 2


def active_part(samples: NDArray[np.float32]) -> tuple[int, int]:
    """First and last sample whose level over 20 ms is within `ACTIVE_DB` of the loudest."""
    width = SAMPLE_RATE // 50
    if len(samples) <= width:
        return 0, len(samples)
    power = np.convolve(samples.astype(np.float64) ** 2, np.full(width, 1 / width), mode="same")
    heard = np.flatnonzero(power >= power.max() * 10 ** (-ACTIVE_DB / 10))
    return int(heard[0]), int(heard[-1]) + 1


def read_wave(data: bytes) -> NDArray[np.float32]:
    """Samples of a 16-bit mono WAV at 8 kHz, float32 -1..1."""
    with wave.open(io.BytesIO(data)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (SAMPLE_RATE, 1, 2):
            raise ValueError("a clip of the dataset is 16-bit mono at 8 kHz")
        raw = file.readframes(file.getnframes())
    return np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(32_768)


def load_clips(archive: Path) -> list[Clip]:
    """All clips of `fsdd.tar.xz` in the order of their names (`DIGIT_SPEAKER_N.wav`).

    Raises:
        FileNotFoundError: the archive is not there.
    """
    clips = []
    with tarfile.open(archive) as tar:
        for member in tar:
            path = Path(member.name)
            file = tar.extractfile(member)
            if path.suffix != ".wav" or file is None:
                continue
            digit, speaker, _ = path.stem.split("_")
            samples = read_wave(file.read())
            start, end = active_part(samples)
            clips.append(Clip(path.stem, int(digit), speaker, samples, start, end))
    return sorted(clips, key=lambda clip: clip.name)
