"""Small image-to-image graphs of the three usual kinds: super-resolution, style transfer, denoising.

    python -m scripts.picture_graphs FOLDER

They take float32 [batch, 3, height, width] of any size, 0..1, and answer with the same.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper

from scripts.described_graphs import build, seeded

_INPUT: tuple[str, int, list[int | str]] = ("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])
_STYLE_STRENGTH = 0.35
_SIMILAR = 0.1
"""Difference of values, 0..1, up to which the denoiser takes neighbours for the same surface."""


def upscaler() -> ModelProto:
    """Twice the size by a convolution and a pixel shuffle (ESPCN; Shi et al., 2016): bilinear, sharpened."""
    near, far = np.array([0.25, 0.75, 0.0], np.float32), np.array([0.0, 0.75, 0.25], np.float32)
    mix = np.zeros((12, 3, 3, 3), np.float32)
    for phase in range(4):
        kernel = np.outer((near, far)[phase // 2], (near, far)[phase % 2])
        kernel[1, 1] += 0.4
        for channel in range(3):
            mix[4 * channel + phase, channel] = kernel / kernel.sum()
    nodes = [
        _conv("image", "mix", "phases"),
        helper.make_node("DepthToSpace", ["phases"], ["large"], blocksize=2, mode="CRD"),
        _clip("large", "result"),
    ]
    return _model(nodes, {"mix": mix}, ["2*height", "2*width"])


def stylist(seed: int = 1) -> ModelProto:
    """Other colours by a seeded matrix, and dark edges, as of a drawing."""
    colours = np.eye(3, dtype=np.float32) + _STYLE_STRENGTH * seeded(3, 3, seed=seed)
    edges = np.full((1, 3, 3, 3), -1 / 3, np.float32)
    edges[:, :, 1, 1] = 8 / 3
    nodes = [
        helper.make_node("Conv", ["image", "colours"], ["recoloured"]),
        _conv("image", "edges", "edge"),
        helper.make_node("Abs", ["edge"], ["strength"]),
        helper.make_node("Sub", ["recoloured", "strength"], ["drawn"]),
        _clip("drawn", "result"),
    ]
    return _model(nodes, {"colours": colours[:, :, None, None], "edges": edges}, ["height", "width"])


def denoiser() -> ModelProto:
    """A bilateral filter over 3 x 3 pixels (Tomasi and Manduchi, 1998), each channel by itself."""
    shifts = np.zeros((27, 1, 3, 3), np.float32)
    for tap in range(27):
        shifts[tap, 0, tap % 9 // 3, tap % 3] = 1
    nodes = [
        helper.make_node("Conv", ["image", "shifts"], ["taps"], group=3, pads=[1, 1, 1, 1]),
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Gather", ["shape", "batch_axis"], ["batches"], axis=0),
        helper.make_node("Gather", ["shape", "side_axes"], ["sides"], axis=0),
        helper.make_node("Concat", ["batches", "three_nine", "sides"], ["grouped"], axis=0),
        helper.make_node("Reshape", ["taps", "grouped"], ["around"]),
        helper.make_node("Unsqueeze", ["image", "two"], ["centre"]),
        helper.make_node("Sub", ["around", "centre"], ["difference"]),
        helper.make_node("Mul", ["difference", "difference"], ["squared"]),
        helper.make_node("Mul", ["squared", "sharpness"], ["exponent"]),
        helper.make_node("Exp", ["exponent"], ["weights"]),
        helper.make_node("Mul", ["weights", "around"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "two"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["weights", "two"], ["total"], keepdims=0),
        helper.make_node("Div", ["sum", "total"], ["mean"]),
        _clip("mean", "result"),
    ]
    constants = {
        "shifts": shifts,
        "batch_axis": np.array([0], np.int64),
        "side_axes": np.array([2, 3], np.int64),
        "three_nine": np.array([3, 9], np.int64),
        "two": np.array([2], np.int64),
        "sharpness": np.float32(-1 / (2 * _SIMILAR**2)),
    }
    return _model(nodes, constants, ["height", "width"])


GRAPHS = {"upscale": upscaler, "style": stylist, "denoise": denoiser}


def _conv(given: str, weights: str, result: str) -> NodeProto:
    return helper.make_node("Conv", [given, weights], [result], pads=[1, 1, 1, 1])


def _clip(given: str, result: str) -> NodeProto:
    return helper.make_node("Clip", [given, "zero", "one"], [result])


def _model(nodes: list[NodeProto], constants: dict[str, Any], sides: list[int | str]) -> ModelProto:
    constants |= {"zero": np.float32(0), "one": np.float32(1)}
    return build(nodes, [_INPUT], [("result", TensorProto.FLOAT, ["batch", 3, *sides])], constants)


def main(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, graph in GRAPHS.items():
        onnx.save(graph(), folder / f"{name}.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
