"""Small copies of frames as JPEG files, and the spectrogram of a whole file as a PNG file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from mediaml.core.arrays import Float32Array
from mediaml.core.atomic_file import write_atomically
from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import require
from mediaml.core.frame import Frame
from mediaml.core.location import Location
from mediaml.core.media import Kind
from mediaml.media.annotated_mark import mark_image
from mediaml.media.frames_at import frames_at
from mediaml.media.limits import Limits
from mediaml.media.reader import open_reader
from mediaml.ops.spectrogram import LOUDEST, QUIETEST

LONGEST = 320
"""Pixels of the longer side of a thumbnail."""
QUALITY = 78
MOST_COLUMNS = 1600
"""Pixels that a spectrogram is wide at most."""
_WINDOWS = AudioInput(window_s=2.0, hop_s=2.0, fft_s=0.04, step_s=0.02, mels=64)


def thumbnail_size(width: int, height: int, longest: int = LONGEST) -> tuple[int, int]:
    """Width and height in pixels of a thumbnail of a frame of that size; a small frame keeps its size."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def write_thumbnails(
    source: Location,
    kind: Kind,
    wanted: Sequence[tuple[float, Path]],
    *,
    limits: Limits = Limits(),  # noqa: B008
    step: Callable[[], None] = lambda: None,
) -> None:
    """Write frames of an image or video as small JPEG files, as displayed.

    Args:
        wanted: the times of the frames, ascending, in seconds, and a file for each. Where no frame begins
            then, as with clips of frames, the next one is written if it comes within a second.
        limits: the limits on the source.
        step: called for every frame that was decoded.

    Raises:
        MediaError: the source cannot be read; files before that are written.
        OutputError: a file cannot be written.
    """
    with open_reader(source, kind, limits=limits) as reader:
        times = [time_s for time_s, _ in wanted]
        frames = frames_at(reader, times, step, later_s=[1.0] * len(times))
        for (_, target), frame in zip(wanted, frames, strict=True):
            if frame is not None:
                write_atomically(target, _jpeg(frame))


def _jpeg(frame: Frame) -> bytes:
    width, height = thumbnail_size(frame.width, frame.height)
    small = frame.fitted(width, height, "stretch")
    _, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(small[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    return mark_image(data.tobytes())


def write_strip(
    source: Location,
    target: Path,
    end_s: float,
    *,
    limits: Limits = Limits(),  # noqa: B008
    step: Callable[[], None] = lambda: None,
) -> None:
    """Write the log-mel spectrogram of a file's audio from 0 s to `end_s` as a PNG file.

    Low frequencies are at the bottom, in OpenCV's colours `inferno`; where there is no audio it is black. It
    has at most `MOST_COLUMNS` columns, each the loudest of its time, and a row per mel band.

    Raises:
        MediaError: the source cannot be read or has no audio.
        OutputError: the file cannot be written.
        ValueError: `end_s` is not positive.
    """
    require(end_s > 0, f"end_s must be positive, not {end_s}")
    columns = min(MOST_COLUMNS, max(1, round(end_s / _WINDOWS.step_s)))
    levels = np.full((columns, _WINDOWS.mels), QUIETEST, np.float32)
    with open_reader(source, Kind.AUDIO, audio=_WINDOWS, limits=limits) as reader:
        for frame in reader.frames():
            step()
            _add_window(levels, frame, end_s)
    grey = np.clip((levels.T[::-1] - QUIETEST) * (255.0 / (LOUDEST - QUIETEST)), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".png", cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO))
    write_atomically(target, mark_image(data.tobytes()))


def _add_window(levels: Float32Array, frame: Frame, end_s: float) -> None:
    """Enter a window's spectra into columns [columns, mels] over 0 s to `end_s`; the louder one stays."""
    assert frame.spectrogram is not None
    spectra = frame.spectrogram.T
    # Behind the end of the audio the last window is padded.
    heard = max(1, min(round(frame.duration_s / _WINDOWS.step_s), len(spectra)))
    starts = frame.time_s + np.arange(heard) * _WINDOWS.step_s
    # A spectrum covers its step: where columns are narrower, it is in several.
    first = np.floor(starts / end_s * len(levels)).astype(np.int64)
    last = np.ceil((starts + 2 * _WINDOWS.step_s) / end_s * len(levels)).astype(np.int64)
    for shift in range(int((last - first).max())):
        inside = (first + shift < last) & (first + shift >= 0) & (first + shift < len(levels))
        np.maximum.at(levels, (first + shift)[inside], spectra[:heard][inside])
