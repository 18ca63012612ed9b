"""Frames and loaded models for the tests of the yolo plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from mediaml.plugin import Frame, LoadContext, Prediction
from mediaml.testing import frame
from mediaml_yolo.model import Detector
from mediaml_yolo.options import DetectorOptions


def blank(width: int, height: int, level: int = 200) -> Frame:
    return frame(np.full((height, width, 3), level, np.uint8))


def model(graph: bytes | Path, **options: Any) -> Detector:
    context = LoadContext(
        options=DetectorOptions(**options),
        weights=Path("planted.onnx"),
        session_opener=lambda _: open_session(graph, parse_device("cpu"), threads=1),
        warn=lambda _: None,
    )
    return Detector(context, "yolo")


def detect(yolo: Detector, one: Frame) -> list[tuple[str, float, tuple[float, ...]]]:
    [prediction] = yolo.predict([one])
    detections = Prediction.of(prediction).detections
    return [(found.label.name, round(found.label.score, 4), found.box.corners) for found in detections]
