"""Small seeded graphs that take clips of video: a 3-D convolution, and its input in other orders of axes.

    python -m scripts.video_graphs FILE.onnx

Nothing is trained: what such a graph answers says nothing, but it follows from every pixel of every frame.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper

from scripts.described_graphs import build, seeded

FEATURES = 4
_FROM = {"CTHW": None, "TCHW": [0, 2, 1, 3, 4], "THWC": [0, 4, 1, 2, 3]}


def weights(classes: int, seed: int = 0) -> dict[str, np.ndarray]:
    """`kernel` [4, 3, 3, 3, 3], `scores` [4, classes] and `bias` [classes], float32."""
    return {
        "kernel": 0.4 * seeded(FEATURES, 3, 3, 3, 3, seed=seed),
        "scores": 4 * seeded(FEATURES, classes, seed=seed + 1),
        "bias": seeded(classes, seed=seed + 2),
    }


def clip_classifier(
    *,
    classes: int = 3,
    frames: int | str = 4,
    side: int | str = 32,
    layout: str = "CTHW",
    metadata: dict[str, str] | None = None,
) -> ModelProto:
    """Convolution over time and place, ReLU, the mean of each feature, and scores: logits [batch, classes].

    Args:
        classes: their number. frames, side: of a clip; a name leaves the axis free.
        layout: order of the input's axes behind the batch.
        metadata: of the file.
    """
    sizes = {"T": frames, "C": 3, "H": side, "W": side}
    order = _FROM[layout]
    nodes = [] if order is None else [helper.make_node("Transpose", ["clip"], ["planar"], perm=order)]
    nodes += [
        helper.make_node("Conv", ["clip" if order is None else "planar", "kernel"], ["features"]),
        helper.make_node("Relu", ["features"], ["active"]),
        helper.make_node("ReduceMean", ["active"], ["pooled"], axes=[2, 3, 4], keepdims=0),
        helper.make_node("Gemm", ["pooled", "scores", "bias"], ["logits"]),
    ]
    axes: list[int | str] = ["batch", *(sizes[axis] for axis in layout)]
    inputs = [("clip", TensorProto.FLOAT, axes)]
    return build(
        nodes, inputs, [("logits", TensorProto.FLOAT, ["batch", classes])], weights(classes), metadata
    )


def main(path: Path) -> None:
    """Write one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(clip_classifier(side=112, frames=16), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
