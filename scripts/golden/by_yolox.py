"""Cases of YOLOX: a raw grid and decoded boxes, by Megvii's code as pixeltable-yolox packages it.

python -m scripts.golden.by_yolox FOLDER [NAME...]     # needs pixeltable-yolox (Apache-2.0)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from scripts.golden.case import Case, Found, rounded, write_case
from scripts.golden.lively import calibrate_norms, spread
from scripts.golden.picture import HEIGHT, WIDTH, picture

NAMES = ("cat", "dog", "bird")
SIZE, CONF, IOU = 160, 0.25, 0.45
RECIPES = {"yolox": False, "yolox-decoded": True}


def network(decoded: bool) -> Any:
    """YOLOX-Nano with seeded, calibrated weights."""
    import torch
    from yolox.config import YoloxConfig

    torch.manual_seed(12)
    config = YoloxConfig.get_named_config("yolox-nano")
    config.num_classes = len(NAMES)
    net = config.get_model().eval()
    net.head.decode_in_inference = decoded
    # With a grey image: on one, too, a trained network answers boxes near their cells.
    shown = torch.from_numpy(np.concatenate([fed(), np.full_like(fed(), 114)]))

    def run() -> Any:
        return net(shown)

    calibrate_norms(net, run)
    spread(net.head.reg_preds, run, 0.5, 0.7)
    spread(net.head.obj_preds, run, -1.5, 2.5)
    spread(net.head.cls_preds, run, -1.0, 2.0)
    return net


def fed() -> Any:
    """What YOLOX's own transform makes of the picture: float32 [1, 3, 160, 160]."""
    from yolox.data import ValTransform

    image, _ = ValTransform(legacy=False)(np.ascontiguousarray(picture()[..., ::-1]), None, (SIZE, SIZE))
    return np.ascontiguousarray(image[None], np.float32)


def answers(net: Any, graph: Path) -> list[Found]:
    """What YOLOX makes of its graph's answer, cut at the picture's edges."""
    import onnxruntime
    import torch
    from yolox.utils import postprocess

    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    answer = torch.from_numpy(session.run(None, {"images": fed()})[0])
    if not net.head.decode_in_inference:
        answer = net.head.decode_outputs(answer, dtype="torch.FloatTensor")
    [rows] = postprocess(answer, len(NAMES), CONF, IOU)
    ratio = min(SIZE / HEIGHT, SIZE / WIDTH)
    found = []
    for row in rows:
        box = np.clip((row[:4] / ratio).numpy(), 0, (WIDTH, HEIGHT) * 2).tolist()
        if box[0] < box[2] and box[1] < box[3]:
            found.append(Found(NAMES[int(row[6])], round(float(row[4] * row[5]), 5), rounded(box)))
    return found


def record(name: str, folder: Path) -> int:
    """Export, run and write one case; returns how much was found."""
    import torch

    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    net = network(RECIPES[name])
    torch.onnx.export(
        net,
        (torch.from_numpy(fed()),),
        str(target / "model.onnx"),
        input_names=["images"],
        output_names=["output"],
        opset_version=17,
        dynamo=False,
    )
    found = answers(net, target / "model.onnx")
    maker = "pixeltable-yolox 0.4.3, yolox-nano"
    write_case(target, Case(maker, name, CONF, found), fed(), {"labels.txt": "\n".join(NAMES) + "\n"})
    return len(found)


def main() -> None:
    """Write the cases that were named, or all."""
    for name in sys.argv[2:] or RECIPES:
        print(name, record(name, Path(sys.argv[1])), flush=True)


if __name__ == "__main__":
    main()
