"""Small media with a known truth, made by code for the tests of everything above the readers."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array

RATE = 25


def write_image(path: Path, width: int, height: int) -> None:
    """A picture of one mid-grey."""
    path.write_bytes(cv2.imencode(path.suffix, np.full((height, width, 3), 90, np.uint8))[1].tobytes())


def write_video(path: Path, *, frames: int, width: int, height: int) -> None:
    """A clip whose every frame is a grey of its own."""
    _encode(path, frames, lambda index: np.full((height, width, 3), 30 + index % 150, np.uint8))


def square_left(index: int) -> int:
    """Where the square of `write_square_video` has its left edge in frame `index`, pixels."""
    return 8 + 2 * (index % 40)


def write_square_video(path: Path, *, frames: int, width: int = 160, height: int = 96) -> None:
    """A black clip with a white 32 x 32 square that moves 2 pixels to the right each frame, 40 times."""

    def draw(index: int) -> UInt8Array:
        image = np.zeros((height, width, 3), np.uint8)
        left = square_left(index)
        image[32:64, left : left + 32] = 255
        return image

    _encode(path, frames, draw)


def write_sound(path: Path, *, seconds: float, sample_rate: int = 16_000) -> None:
    """A 440 Hz tone, mono 16-bit wav."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    samples = (np.sin(2 * np.pi * 440 * times) * 12_000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.tobytes())


def _encode(path: Path, frames: int, draw: Callable[[int], UInt8Array]) -> None:
    first = draw(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "10"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        for index in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw(index), format="rgb24")))
        container.mux(stream.encode())
