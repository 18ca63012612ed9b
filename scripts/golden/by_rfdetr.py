"""A case of RF-DETR: exported by its own code, decoded by its own helper for ONNX files.

python -m scripts.golden.by_rfdetr FOLDER     # needs rfdetr 1.11 (Apache-2.0), onnx and onnxruntime
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from scripts.golden.case import Case, Found, rounded, write_case
from scripts.golden.lively import calibrate_norms, spread
from scripts.golden.picture import HEIGHT, WIDTH, picture

NAMES = ("cat", "dog", "bird")
SIZE, CONF = 160, 0.25


def shown() -> Any:
    """The picture at the size of the network's input.

    RF-DETR resizes floating-point pixels as OpenCV's linear filter does bytes. They differ by up to a level,
    of which seeded weights make other scores.
    """
    import cv2
    from PIL import Image

    return Image.fromarray(cv2.resize(picture(), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR))


def fed() -> Any:
    """What RF-DETR makes of the picture: float32 [1, 3, 160, 160]."""
    from rfdetr.export._runtime.preprocess import preprocess_to_nchw

    return preprocess_to_nchw(shown(), SIZE, SIZE)


def detector() -> Any:
    """RF-DETR Nano with seeded, calibrated weights."""
    import torch
    from rfdetr import RFDETRNano

    torch.manual_seed(12)
    size = {"resolution": SIZE, "positional_encoding_size": SIZE // 16}
    made = RFDETRNano(pretrain_weights=None, num_classes=len(NAMES), device="cpu", **size)
    net = made.model.model.eval()
    images = torch.from_numpy(fed())

    def run() -> Any:
        return net(images)

    calibrate_norms(net, run)
    spread([net.class_embed], run, -3.0, 1.2)
    return made


def answers(graph: Path) -> list[Found]:
    """What RF-DETR makes of its graph's answer; the last class stands for nothing."""
    from rfdetr.export._onnx.inference import _create_onnx_session, _run_inference

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        shown().save(path)
        session = _create_onnx_session(graph, ["CPUExecutionProvider"])
        detections, _ = _run_inference(session, path, CONF)
    scale = np.array([WIDTH / SIZE, HEIGHT / SIZE] * 2)
    return [
        Found(NAMES[int(label)], round(float(score), 5), rounded((box * scale).tolist()))
        for box, score, label in zip(detections.xyxy, detections.confidence, detections.class_id, strict=True)
        if box[0] < box[2] and box[1] < box[3]
    ]


def record(folder: Path) -> int:
    """Export, run and write the case; returns how much was found."""
    target = folder / "rf-detr"
    target.mkdir(parents=True, exist_ok=True)
    exported = Path(detector().export(output_dir=str(target), verbose=False))
    exported.replace(target / "model.onnx")
    found = answers(target / "model.onnx")
    beside = {"labels.txt": "\n".join(NAMES) + "\n"}
    case = Case(f"rfdetr {version('rfdetr')}, RFDETRNano", "rf-detr", CONF, found)
    write_case(target, case, fed(), beside)
    return len(found)


if __name__ == "__main__":
    print("rf-detr", record(Path(sys.argv[1])), flush=True)
