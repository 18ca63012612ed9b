"""Frames of odd sides whose chroma has half of them: each chroma sample colours the pixels where it lies."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mediaml.core.media import Kind
from mediaml.media.reader import open_reader

WIDTH, HEIGHT = 61, 39
LEVEL = 120


def write(path: Path, codec: str, pix_fmt: str, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A frame whose blue changes at each of its chroma samples near the right; returns those of one row."""
    columns = -(-width // 2)
    blue = np.where(np.arange(columns) % 4 < 2, 110, 150).astype(np.uint8)
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane, row in zip(frame.planes, (np.full(width, LEVEL), blue, np.full(columns, 128)), strict=True):
        lines = np.zeros((plane.height, plane.line_size), np.uint8)
        lines[:, : plane.width] = row
        plane.update(lines.tobytes())
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.time_base = Fraction(1, 25)
        stream.codec_context.options = {"qmax": "1", "qmin": "1"} if codec != "ffv1" else {}
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return blue


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "first"),
    [
        ("ffv1", "yuv420p", 0.5),
        ("ffv1", "yuv422p", 0.5),
        ("mjpeg", "yuvj420p", 0.5),
        ("mpeg4", "yuv420p", 0.0),
    ],
)
def test_chroma_is_where_the_standard_has_it(tmp_path: Path, codec: str, pix_fmt: str, first: float) -> None:
    path = tmp_path / "odd.mkv"
    blue = write(path, codec, pix_fmt)
    with open_reader(path, Kind.VIDEO) as reader:
        (frame,) = reader.frames()
    assert (frame.width, frame.height) == (WIDTH, HEIGHT)
    full = pix_fmt.startswith("yuvj")
    # ITU-R BT.601: B = Y + 1.772 Cb, Cb of 224 steps in limited range.
    chroma = np.interp(np.arange(WIDTH), np.arange(len(blue)) * 2 + first, blue) - 128
    expected = LEVEL + 1.772 * chroma if full else (LEVEL - 16) * 255 / 219 + 1.772 * chroma * 255 / 224
    found = frame.image[HEIGHT // 2, :, 2].astype(float)
    assert np.abs(found - expected).max() <= (2 if codec == "ffv1" else 9)
    assert np.abs(frame.image[-1].astype(int) - frame.image[0]).max() <= 9


def test_an_odd_frame_is_scaled_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path / "odd.mkv", "ffv1", "yuv420p")
    with open_reader(tmp_path / "odd.mkv", Kind.VIDEO) as reader:
        (frame,) = reader.frames()
    image = frame.image.astype(float)
    small = frame.fitted(20, 13, "stretch").astype(float)
    assert small.shape == (13, 20, 3)
    np.testing.assert_allclose(small.mean((0, 1)), image.mean((0, 1)), atol=2)
