"""A scene as a real clip with uneven times, and what can be seen of it in the decoded frames.

What stands in front hides what is behind, and touching boxes of one class are found as one: misses and noise
are those of a picture, not of a random number.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

import mediaml
from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Box, Detection, Label, Prediction
from scripts.evaluation.scene import HEIGHT, WIDTH, Thing, truth_at

_COLOURS = {"car": (220, 40, 40), "truck": (40, 40, 220), "person": (40, 200, 40)}
_CLOCK = 90_000
_LEAST_AREA = 60


def render_scene(path: Path, things: Sequence[Thing], times: Sequence[float]) -> None:
    """Write a clip: H.264 at the given times, seconds; later things are in front."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _CLOCK)
        for time_s in times:
            frame = av.VideoFrame.from_ndarray(_drawn(things, time_s), format="rgb24")
            frame.pts, frame.time_base = round(time_s * _CLOCK), Fraction(1, _CLOCK)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _drawn(things: Sequence[Thing], time_s: float) -> UInt8Array:
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    for _, name, box in truth_at(things, time_s):
        corners = [round(edge) for edge in box.corners]
        cv2.rectangle(image, corners[:2], [corners[2] - 1, corners[3] - 1], _COLOURS[name], -1)
    return image


def seen_frames(path: Path) -> list[tuple[float, float, Prediction]]:
    """Time, duration and what is found of each frame of a clip."""
    with mediaml.open_media(path) as media:
        return [(frame.time_s, frame.duration_s, _seen(frame.image)) for frame in media.frames()]


def _seen(image: UInt8Array) -> Prediction:
    """The coloured areas, each as one box; what is small counts less."""
    found = []
    for name, colour in _COLOURS.items():
        low, high = (np.clip(np.add(colour, step), 0, 255) for step in (-50, 50))
        _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.inRange(image, low, high))
        for left, top, width, height, area in stats[1:].tolist():
            if area >= _LEAST_AREA:
                score = float(np.clip(area / 1200, 0.15, 0.95))
                found.append(Detection(Label(name, score), Box(left, top, left + width, top + height)))
    found.sort(key=lambda one: -one.label.score)
    return Prediction(detections=tuple(found))
