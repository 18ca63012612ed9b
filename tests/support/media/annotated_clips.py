"""Clips that tests annotate, made by PyAV, and what ffprobe, a judge from outside, says of the results."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Box, Detection, Label
from mediaml.ops.drawing import Overlay
from mediaml.ops.palette import color_of
from tests.support.requirements import program

WIDTH, HEIGHT, SIDE = 160, 128, 24
GREY, WHITE = 90, 235
NAME = "target"
SOUND_RATE = 48_000
Picture = Callable[[int], UInt8Array]
Int16Array = NDArray[np.int16]


def ffprobe(path: Path, *arguments: str) -> dict[str, Any]:
    """What ffprobe says, as JSON; a skip where it is not installed, a failure under CI."""
    command = [program("ffprobe"), "-v", "error", "-of", "json", *arguments, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not result.stderr, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def frame_times(path: Path) -> list[str]:
    """The presentation times of the first video's frames, in seconds as ffprobe prints them."""
    frames = ffprobe(path, "-select_streams", "v:0", "-show_entries", "frame=pts_time")["frames"]
    return [frame["pts_time"] for frame in frames]


def streams(path: Path) -> list[dict[str, Any]]:
    """All streams, with their tags and side data."""
    found: list[dict[str, Any]] = ffprobe(path, "-show_streams")["streams"]
    return found


def square_at(index: int) -> tuple[int, int]:
    """Top left corner of the square that moves through the clip."""
    return 10 + 4 * index % 100, 34 + 3 * index % 54


def moving_square(index: int) -> UInt8Array:
    """A white square on grey: uint8 RGB [HEIGHT, WIDTH, 3]."""
    image = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    x, y = square_at(index)
    image[y : y + SIDE, x : x + SIDE] = WHITE
    return image


def around_square(index: int) -> Overlay:
    """A box 8 pixels around the moving square."""
    x, y = square_at(index)
    box = Box(x - 8, y - 8, x + SIDE + 8, y + SIDE + 8)
    return Overlay(detections=(Detection(Label(NAME, 0.5), box),))


def nothing(index: int) -> Overlay:
    """Draws nothing."""
    return Overlay()


def pictures_of(path: Path) -> list[UInt8Array]:
    """All frames of the first video as uint8 RGB, without any turn applied."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def place_of(image: UInt8Array, mask: UInt8Array | None = None) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what is white in a picture, or of what a mask marks."""
    marked = (image.min(axis=2) > 190) if mask is None else mask
    rows, columns = np.nonzero(marked)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def box_of(image: UInt8Array) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the pixels that have the colour of the drawn box, without its tag."""
    far = np.abs(image.astype(int) - np.array(color_of(NAME))).sum(axis=2)
    mask = far < 150
    # The tag is wider than the box and sits on top of it; only columns with a long vertical line count.
    columns = np.nonzero(mask.sum(axis=0) > 30)[0]
    rows = np.nonzero(mask[:, columns.min() : columns.max() + 1].sum(axis=1) > 30)[0]
    return int(columns.min()), -1, int(columns.max()) + 1, int(rows.max()) + 1


def clicks(seconds: float, at: Sequence[float]) -> Int16Array:
    """Mono sound, int16 [1, samples], silent but for short bursts at some seconds."""
    samples = np.zeros(round(seconds * SOUND_RATE), np.int16)
    for time_s in at:
        start = round(time_s * SOUND_RATE)
        burst = 20_000 * np.sin(2 * np.pi * 3_000 * np.arange(240) / SOUND_RATE)
        samples[start : start + 240] = burst[: len(samples) - start]
    return samples[None]


def write_clip(
    path: Path,
    *,
    ticks: Sequence[int] = range(20),
    time_base: Fraction = Fraction(1, 25),
    last_ticks: int = 1,
    picture: Picture = moving_square,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    matrix: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    full_range: bool = False,
    sounds: Sequence[tuple[str, dict[str, str]]] = (),
    sound: Int16Array | None = None,
    sound_start_s: float = 0.0,
    texts: Sequence[tuple[float, float, str]] = (),
    text_codec: str = "srt",
    chapters: Sequence[tuple[float, float, str]] = (),
) -> Path:
    """Write a clip.

    Args:
        ticks, time_base: presentation times of the frames; `last_ticks` is the last one's duration.
        picture: of an index, uint8 RGB, all of one size.
        matrix: display matrix, nine integers.
        aspect: of a pixel.
        sounds: codec and tags of each sound stream; all play `sound`, from `sound_start_s` on.
        texts: start, end and words of subtitles.
        chapters: start, end and title.
    """
    height, width = picture(0).shape[:2]
    with av.open(str(path), "w") as output:
        rate = round(1 / (np.diff(list(ticks)).min() * time_base)) if len(ticks) > 1 else 25
        stream: Any = output.add_stream(codec, rate=rate, options=options or {})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, pix_fmt
        context.time_base = stream.time_base = time_base
        context.flags |= av.codec.context.Flags.frame_duration
        if aspect:
            context.sample_aspect_ratio = aspect
        if matrix:
            stream.set_display_matrix(matrix)
        context.color_range = 2 if full_range else 1
        tracks = [_sound_stream(output, name, tags) for name, tags in sounds]
        text: Any = output.add_stream(text_codec) if texts else None
        if text is not None:
            text.time_base = text.codec_context.time_base = Fraction(1, 1000)
            text.metadata["language"] = "spa"
            text.codec_context.subtitle_header = ASS_HEADER
        output.set_chapters([_chapter(number, *chapter) for number, chapter in enumerate(chapters)])
        lengths = [b - a for a, b in pairwise(ticks)] + [last_ticks]
        for index, (tick, length) in enumerate(zip(ticks, lengths, strict=True)):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_color_range=2 if full_range else 1)
            frame.pts, frame.time_base, frame.duration = tick, time_base, length
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        for track in tracks:
            assert sound is not None
            _write_sound(output, track, sound, sound_start_s)
        for start, end, words in texts:
            output.mux(_subtitle(text, start, end, words))
    return path


ASS_HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\nFormat: Name, Fontname, Fontsize\r\n"
    b"Style: Default,Arial,16\r\n\r\n[Events]\r\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, "
    b"MarginV, Effect, Text\r\n"
)


def _subtitle(stream: Any, start: float, end: float, words: str) -> av.Packet[Any]:
    line = f"0,0,Default,,0,0,0,,{words}".encode()
    packet: av.Packet[Any] = stream.codec_context.encode_subtitle(
        av.subtitles.subtitle.SubtitleSet.create(line, 0, round(1000 * (end - start)), round(1000 * start))
    )
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round(1000 * start)
    packet.duration = round(1000 * (end - start))
    return packet


def _chapter(number: int, start: float, end: float, title: str) -> Any:
    ticks = {"start": round(1000 * start), "end": round(1000 * end)}
    return {"id": number, "time_base": Fraction(1, 1000), "metadata": {"title": title}, **ticks}


def _sound_stream(output: Any, codec: str, tags: dict[str, str]) -> Any:
    stream = output.add_stream(codec, rate=SOUND_RATE, layout="mono")
    stream.metadata.update(tags)
    return stream


def _write_sound(output: Any, stream: Any, sound: Int16Array, start_s: float) -> None:
    for first in range(0, sound.shape[1], 1024):
        part = np.ascontiguousarray(sound[:, first : first + 1024])
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
        frame.pts = first + round(start_s * SOUND_RATE)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def heard(path: Path, track: int = 0, level: float = 0.2) -> list[float]:
    """Seconds at which bursts begin in a sound stream."""
    found: list[float] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=track):
            samples = frame.to_ndarray().astype(np.float64).reshape(-1)
            loudest = 32768 if frame.format.name.startswith("s16") else 1
            for place in np.nonzero(np.abs(samples) / loudest > level)[0]:
                time_s = (frame.time or 0.0) + place / frame.sample_rate
                if not found or time_s - found[-1] > 0.05:
                    found.append(time_s)
    return found


def in_rgb(frame: av.VideoFrame) -> UInt8Array:
    """A decoded frame as ITU-R BT.601 says, in limited range: uint8 RGB [H, W, 3]."""
    planes = frame.to_ndarray().astype(float)
    y, blue, red = (planes[0] - 16) / 219, (planes[1] - 128) / 224, (planes[2] - 128) / 224
    r, b = y + 1.402 * red, y + 1.772 * blue
    rgb = np.stack([r, (y - 0.299 * r - 0.114 * b) / 0.587, b], axis=2)
    image: UInt8Array = np.rint(rgb.clip(0, 1) * 255).astype(np.uint8)
    return image
