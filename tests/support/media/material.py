"""Videos and sounds rendered by code for the tests of the readers; every frame tells its number."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

TIME_BASE = Fraction(1, 1000)
LEVELS = 16


def numbered(number: int, width: int, height: int) -> np.ndarray:
    """A picture with a number in it: uint8 RGB, four grey quarters for the digits of `number` in base 16.

    The quarters are top left, top right, bottom left, bottom right, most significant digit first.
    """
    image = np.zeros((height, width, 3), np.uint8)
    for place in range(4):
        digit = number >> (4 * (3 - place)) & 15
        rows = slice(0, height // 2) if place < 2 else slice(height // 2, height)
        columns = slice(0, width // 2) if place % 2 == 0 else slice(width // 2, width)
        image[rows, columns] = digit * LEVELS
    return image


def number_in(image: np.ndarray) -> int:
    """The number that `numbered` laid into a picture."""
    height, width = image.shape[:2]
    number = 0
    for place in range(4):
        row = height // 4 if place < 2 else height - height // 4
        column = width // 4 if place % 2 == 0 else width - width // 4
        patch = image[row - 2 : row + 2, column - 2 : column + 2].astype(float)
        number = number << 4 | round(patch.mean() / LEVELS)
    return number


def quartered(width: int, height: int) -> np.ndarray:
    """A picture that looks different in each orientation: red, green, blue and white quarters."""
    image = np.full((height, width, 3), 255, np.uint8)
    image[: height // 2, : width // 2] = (255, 0, 0)
    image[: height // 2, width // 2 :] = (0, 255, 0)
    image[height // 2 :, : width // 2] = (0, 0, 255)
    return image


def write_video(
    path: Path,
    times_ms: Sequence[int] = tuple(range(0, 1000, 40)),
    *,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    turn: int = 0,
    hflip: bool = False,
    aspect: Fraction | None = None,
    pictures: Sequence[np.ndarray] | None = None,
    colours: dict[str, Any] | None = None,
    sound_s: float = 0.0,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Render a video whose frame `n` shows `numbered(n)` at `times_ms[n]`.

    Args:
        times_ms: presentation times in milliseconds.
        size: width and height as stored.
        turn: clockwise degrees of the display matrix.
        aspect: width / height of a stored pixel.
        pictures: what to show instead, uint8 RGB.
        colours: attributes of codec context and frames, such as `colorspace` and `color_range`.
        sound_s: seconds of a 440 Hz tone in AAC beside it.
    """
    settings = {"g": "10", **({"bf": "2", "preset": "ultrafast", "crf": "10"} if codec == "libx264" else {})}
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream: Any = container.add_stream(codec, rate=25, options={**settings, **(options or {})})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        time_base = Fraction(1, 25) if path.suffix in (".avi", ".mpg") else TIME_BASE
        stream.time_base = stream.codec_context.time_base = time_base
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if turn or hflip:
            stream.set_display_rotation(-turn, hflip=hflip)
        for name, value in (colours or {}).items():
            setattr(stream.codec_context, name, value)
        sound = add_tone(container) if sound_s else None
        for number, time_ms in enumerate(times_ms):
            picture = pictures[number] if pictures is not None else numbered(number, *size)
            frame = rgb_frame(picture, pix_fmt, colours or {})
            frame.pts, frame.time_base = round(time_ms / 1000 / time_base), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            mux_tone(container, sound, sound_s)
    return path


def rgb_frame(picture: np.ndarray, pix_fmt: str, colours: dict[str, Any]) -> av.VideoFrame:
    """A frame of `pix_fmt` in the colour matrix and range that `colours` names."""
    from av.video.reformatter import ColorRange, Interpolation

    frame = av.VideoFrame.from_ndarray(picture, "rgb24")
    # The matrices have the same numbers in AVColorSpace and in swscale.
    return frame.reformat(
        format=pix_fmt,
        dst_colorspace=colours.get("colorspace", 5),
        dst_color_range=ColorRange(colours.get("color_range", 1)),
        interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
    )


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    """A sine of amplitude 0.5, float32 [samples]."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def add_tone(container: Any, codec: str = "aac", rate: int = 48_000, layout: str = "stereo") -> Any:
    """A sound stream in an output container."""
    stream = container.add_stream(codec, rate=rate)
    stream.layout = layout
    return stream


def mux_tone(container: Any, stream: Any, seconds: float, hertz: float = 440.0) -> None:
    """Encode a tone, the same in all channels, into a stream."""
    context = stream.codec_context
    channels = context.layout.nb_channels
    samples = tone(seconds, context.sample_rate, hertz)
    resampler = av.AudioResampler(
        context.format, context.layout, context.sample_rate, context.frame_size or 1024
    )
    frame = av.AudioFrame.from_ndarray(np.tile(samples, (channels, 1)), "fltp", context.layout.name)
    frame.sample_rate, frame.pts, frame.time_base = context.sample_rate, 0, Fraction(1, context.sample_rate)
    for part in (frame, None):
        for piece in resampler.resample(part):
            container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def write_sound(
    path: Path,
    seconds: float = 2.0,
    *,
    codec: str,
    rate: int = 44_100,
    layout: str = "stereo",
    hertz: float = 440.0,
) -> Path:
    """Render a tone."""
    with av.open(str(path), "w") as container:
        mux_tone(container, add_tone(container, codec, rate, layout), seconds, hertz)
    return path


def write_wav(path: Path, samples: np.ndarray, rate: int) -> Path:
    """Write mono 16-bit samples, float in -1..1."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).round().astype("<i2").tobytes())
    return path
