"""Examples that are drawn, and tiny backbones, for the tests of training."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.support.models.onnx_files import model

SIDE = 16
COLOURS = {"red": (200, 40, 40), "green": (40, 190, 50), "blue": (40, 60, 200)}
"""Means of classes of colour, RGB."""


def write_colour(path: Path, name: str, seed: int, spread: float = 25.0) -> None:
    """A PNG of noise around a class's colour: every seed another picture."""
    random = np.random.default_rng(seed)
    mean = np.array(COLOURS[name]) + random.normal(0, spread, 3)
    pixels = np.clip(random.normal(mean, 30, (40, 48, 3)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", pixels[:, :, ::-1])[1].tobytes())


def write_classes(folder: Path, count: int, names: tuple[str, ...] = ("red", "green")) -> Path:
    """A folder per class with so many pictures each."""
    for place, name in enumerate(names):
        for number in range(count):
            write_colour(folder / name / f"{number}.png", name, 1000 * place + number)
    return folder


def colour_backbone(path: Path, **output: str) -> Path:
    """An embedder of 16 x 16 images: the mean of each channel and of its square."""
    nodes = [
        helper.make_node("Mul", ["image", "image"], ["squares"]),
        helper.make_node("Concat", ["image", "squares"], ["features"], axis=1),
        helper.make_node("GlobalAveragePool", ["features"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["embedding"], axis=1),
    ]
    accepts = {"type": "image", "width": SIDE, "height": SIDE, "fit": "stretch", "scale": 1 / 255}
    made = model(
        [("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [("embedding", TensorProto.FLOAT, ["batch", 6])],
        nodes,
        {
            "mediaml.input": json.dumps(accepts),
            "mediaml.output": json.dumps({"means": "embedding", **output}),
        },
    )
    onnx.save(made, str(path))
    return path
