"""Media that models stumble over, rendered by code: what `mediaml plugins check` runs a model on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np

from mediaml.core.arrays import Array, UInt8Array
from mediaml.core.media import Kind
from mediaml.testing import write_wav

_RATE = 16_000
_EXIF_QUARTER_TURN = 6  # Exif 2.32, tag 274: to be turned clockwise


@dataclass(frozen=True, slots=True)
class Specimen:
    """A file to be written.

    Attributes:
        name: of the file. kind: what it is. write: writes it to a path.
        damaged: it may be that nothing of it can be read.
        large: it is read once, not for every comparison.
    """

    name: str
    kind: Kind
    write: Callable[[Path], None]
    damaged: bool = False
    large: bool = False


def specimens() -> Iterator[Specimen]:
    """All of them."""
    yield from _images()
    yield from _videos()
    yield from _audio()


def scene(width: int, height: int, seed: int = 0) -> UInt8Array:
    """A picture with something in it, BGR [height, width, 3]: patches, shapes and letters."""
    random = np.random.default_rng(seed)
    patches = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    short = min(width, height)
    for at in range(4):
        x, y = (int(part) for part in random.integers(0, (width, height)))
        colour = random.integers(0, 256, 3).tolist()
        cv2.circle(image, (x, y), max(1, short // (3 + at)), colour, -1, cv2.LINE_AA)
    if short >= 32:
        place = (width // 8, height * 3 // 4)
        cv2.putText(
            image, "427", place, cv2.FONT_HERSHEY_SIMPLEX, short / 60, (250, 250, 250), 1 + short // 30
        )
    return image


def _images() -> Iterator[Specimen]:
    def image(name: str, pixels: Callable[[], Array], *, large: bool = False) -> Specimen:
        return Specimen(name, Kind.IMAGE, lambda path: _write_image(path, pixels()), large=large)

    yield image("scene.png", partial(scene, 320, 240))
    yield image("portrait.jpg", partial(scene, 240, 320, 1))
    yield image("1x1.png", partial(np.full, (1, 1, 3), 200, np.uint8))
    yield image("strip.png", partial(scene, 1200, 3, 2))
    yield image("black.png", partial(np.zeros, (48, 64, 3), np.uint8))
    yield image("white.png", partial(np.full, (48, 64, 3), 255, np.uint8))
    yield image("noise.png", lambda: np.random.default_rng(3).integers(0, 256, (97, 131, 3), dtype=np.uint8))
    yield image("grey.png", lambda: cv2.cvtColor(scene(160, 120, 4), cv2.COLOR_BGR2GRAY))
    yield image(
        "grey-16-bit.png", lambda: cv2.cvtColor(scene(160, 120, 4), cv2.COLOR_BGR2GRAY) * np.uint16(257)
    )
    yield image("alpha.png", partial(_with_alpha, 160, 120))
    yield Specimen("rotated.jpg", Kind.IMAGE, _write_rotated)
    yield image("8k.jpg", partial(scene, 7680, 4320, 5), large=True)
    yield Specimen("cut-off.jpg", Kind.IMAGE, partial(_write_cut, scene(320, 240, 6)), damaged=True)


def _videos() -> Iterator[Specimen]:
    def video(name: str, images: Sequence[UInt8Array], times_ms: Sequence[int]) -> Specimen:
        return Specimen(name, Kind.VIDEO, lambda path: _write_video(path, images, times_ms))

    steady = [scene(320, 180, seed) for seed in range(8)]
    yield video("steady.mp4", steady, range(0, 320, 40))
    yield video("uneven-times.mp4", steady, (0, 7, 40, 41, 500, 520, 1900, 4000))
    yield video("one-frame.mp4", steady[:1], (0,))
    yield video("odd-size.mp4", [scene(35, 33, seed) for seed in range(2)], (0, 40))
    yield Specimen("damaged.mp4", Kind.VIDEO, partial(_write_damaged, steady * 3), damaged=True)


def _audio() -> Iterator[Specimen]:
    def audio(name: str, samples: Callable[[], Array], rate: int = _RATE) -> Specimen:
        return Specimen(name, Kind.AUDIO, lambda path: write_wav(path, samples(), rate))

    def sine(rate: int, seconds: float) -> Array:
        return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)

    yield audio("tone.wav", partial(sine, _RATE, 3.0))
    yield audio("silence.wav", partial(np.zeros, 2 * _RATE))
    yield audio("very-short.wav", partial(np.full, 12, 0.5))
    yield audio("full-scale.wav", lambda: np.sign(sine(_RATE, 1.5)))
    yield audio("noise.wav", lambda: np.random.default_rng(0).uniform(-1, 1, 2 * _RATE))
    yield audio("8-khz.wav", partial(sine, 8_000, 2.0), 8_000)
    yield audio("48-khz-stereo.wav", lambda: np.stack([sine(48_000, 2.0), np.zeros(96_000)], axis=1), 48_000)


def _encoded(suffix: str, pixels: Array) -> bytes:
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return data.tobytes()


def _write_image(path: Path, pixels: Array) -> None:
    path.write_bytes(_encoded(path.suffix, pixels))


def _with_alpha(width: int, height: int) -> UInt8Array:
    alpha = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    return np.dstack([scene(width, height, 7), alpha])


def _write_rotated(path: Path) -> None:
    """A JPEG that is shown after a quarter turn, by its Exif orientation."""
    data = _encoded(".jpg", scene(320, 200, 8))
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + _EXIF_QUARTER_TURN.to_bytes(4, "little")
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])


def _write_cut(pixels: UInt8Array, path: Path) -> None:
    data = _encoded(path.suffix, pixels)
    path.write_bytes(data[: len(data) * 3 // 5])


def _write_damaged(images: Sequence[UInt8Array], path: Path) -> None:
    """A video with a hole in its data, behind the first frames."""
    _write_video(path, images, range(0, 40 * len(images), 40))
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[start : start + 400] = bytes(400)
    path.write_bytes(data)


def _write_video(path: Path, images: Sequence[UInt8Array], times_ms: Sequence[int]) -> None:
    height, width = images[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for image, time_ms in zip(images, times_ms, strict=True):
            picture = av.VideoFrame.from_ndarray(image, format="bgr24")
            picture.pts, picture.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
