"""Small media of every format at hand, and the mixed set that is run and killed."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from scripts.square_finder import save_square_finder

UInt8 = npt.NDArray[np.uint8]

_RATE = 25
_SOUND_RATE = 16_000
_PILLOW = ("jpg", "png", "webp", "bmp", "tiff", "gif", "avif")
_CLIPS = {
    "mp4": ("libx264", "aac"),
    "mkv": ("libx264", "flac"),
    "mov": ("mpeg4", "aac"),
    "avi": ("mpeg4", "pcm_s16le"),
    "webm": ("libvpx", None),
    "ts": ("mpeg2video", "mp2"),
}
_SOUNDS = {"mp3": "libmp3lame", "flac": "flac", "ogg": "libvorbis", "m4a": "aac"}


def square(width: int, height: int, left: int, *, noise: int = 0, grain: int = 60) -> UInt8:
    """A white 32 x 32 square on RGB noise: `noise` is its seed, `grain` its brightness."""
    image = np.random.default_rng(noise).integers(0, grain, (height, width, 3), np.uint8)
    image[16:48, left : left + 32] = 255
    return image


def tone(seconds: float) -> npt.NDArray[np.int16]:
    """A tone that swells and fades: int16 [samples] at 16 kHz."""
    times = np.arange(round(seconds * _SOUND_RATE)) / _SOUND_RATE
    return (np.sin(880 * np.pi * times) * np.sin(np.pi * times) * 12_000).astype(np.int16)


def write_wav(path: Path, seconds: float) -> Path:
    """Mono 16-bit wav."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_SOUND_RATE)
        file.writeframes(tone(seconds).astype("<i2").tobytes())
    return path


def write_clip(
    path: Path,
    *,
    frames: int,
    size: tuple[int, int] = (160, 96),
    noisy: bool = False,
    grain: int = 60,
    **codecs: str | None,
) -> Path:
    """A clip of the moving square.

    Args:
        noisy: give every frame a noise of its own, which makes the file, and its copies, large.
        grain: how bright the noise is, 1 to 200.
        codecs: `video` (libx264) and `sound` (none): names of encoders.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream(codecs.get("video") or "libx264", rate=_RATE)
        assert isinstance(video, av.VideoStream)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.time_base = Fraction(1, _RATE)
        if codecs.get("sound"):
            _add_sound(container, str(codecs["sound"]), frames / _RATE)
        for index in range(frames):
            image = square(*size, 8 + 2 * (index % 50), noise=index if noisy else 0, grain=grain)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return path


def _add_sound(container: av.container.OutputContainer, codec: str, seconds: float) -> None:
    """A sound track; its packets are muxed at once, the container keeps them in order of time."""
    stream = container.add_stream(codec, rate=_SOUND_RATE)
    assert isinstance(stream, av.AudioStream)
    stream.layout = "mono"
    frame = av.AudioFrame.from_ndarray(tone(seconds)[None], format="s16", layout="mono")
    frame.sample_rate = _SOUND_RATE
    frame.pts = 0
    for part in (frame, None):
        container.mux(stream.encode(part))


def write_sound(path: Path, seconds: float, codec: str) -> Path:
    """A compressed sound file."""
    with av.open(str(path), "w") as container:
        _add_sound(container, codec, seconds)
    return path


def write_mixture(folder: Path, *, frames: int = 1000, seconds: float = 30.0) -> Path:
    """Pictures, two clips, one with sound and longer than a time slice, and a sound; returns the folder."""
    folder.mkdir(parents=True)
    for number in range(3):
        image = square(128 + 32 * number, 96, 20 * number, noise=number)
        cv2.imwrite(str(folder / f"picture{number}.png"), image)
    write_clip(folder / "long.mp4", frames=frames, sound="aac")
    write_clip(folder / "short.mkv", frames=max(20, frames // 4), noisy=True)
    write_wav(folder / "tone.wav", seconds)
    return folder


def write_seeds(folder: Path) -> list[Path]:
    """One small file of every format whose encoder is at hand."""
    folder.mkdir(parents=True, exist_ok=True)
    return [*_pictures(folder), *_clips(folder), *_sounds(folder)]


def _pictures(folder: Path) -> Iterator[Path]:
    for ending in _PILLOW:
        path = folder / f"seed.{ending}"
        try:
            Image.fromarray(square(96, 64, 20, noise=7)).save(path)
        except (OSError, KeyError, ValueError):  # this Pillow was built without that encoder
            continue
        yield path


def _clips(folder: Path) -> Iterator[Path]:
    for ending, (video, sound) in _CLIPS.items():
        path = folder / f"seed.{ending}"
        try:
            write_clip(path, frames=12, size=(96, 64), video=video, sound=sound)
        except (av.FFmpegError, ValueError):  # this FFmpeg was built without that encoder
            path.unlink(missing_ok=True)
            continue
        yield path


def _sounds(folder: Path) -> Iterator[Path]:
    yield write_wav(folder / "seed.wav", 2.0)
    for ending, codec in _SOUNDS.items():
        path = folder / f"sound.{ending}"
        try:
            write_sound(path, 2.0, codec)
        except (av.FFmpegError, ValueError):
            path.unlink(missing_ok=True)
            continue
        yield path


def command(model: Path, *more: object) -> list[object]:
    """`mediaml run` with the square finder on pictures and the bundled `spoken` on sound."""
    return ["run", "-p", "yolo", "-m", f"yolo={model}", "-p", "spoken", "--device", "cpu", *more]


def square_finder(folder: Path) -> Path:
    """The detector of the tests, which needs no trained weights."""
    return save_square_finder(folder / "square.onnx")
