"""A case of YOLOv5's own export: a box, objectness and class scores, three boxes per cell; YOLOv7's is alike.

python -m scripts.golden.by_yolov5 FOLDER [NAME...]     # needs yolov5 7, which is AGPL-3.0
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from scripts.golden.case import Case, Found, rounded, write_case
from scripts.golden.lively import calibrate_norms, spread
from scripts.golden.picture import picture

NAMES = ("cat", "dog", "bird")
SIZE, CONF, IOU = 160, 0.25, 0.45
RECIPES = ("yolov5",)


def fed() -> Any:
    """What YOLOv5's letterbox makes of the picture: float32 [1, 3, 160, 160]."""
    from yolov5.utils.augmentations import letterbox

    image = letterbox(picture(), SIZE, auto=False)[0].transpose(2, 0, 1)[None]
    return np.ascontiguousarray(image, np.float32) / 255


def network() -> Any:
    """YOLOv5n with seeded, calibrated weights."""
    import torch
    import yolov5
    from yolov5.models.yolo import Model

    torch.manual_seed(12)
    cfg = Path(yolov5.__file__).parent / "models" / "yolov5n.yaml"
    net = Model(str(cfg), ch=3, nc=len(NAMES)).eval()
    shown = torch.from_numpy(fed())

    def run() -> Any:
        return net(shown)

    calibrate_norms(net, run)
    for layer in net.model[-1].m:  # whose biases say that objects are rare
        layer.bias.data.zero_()
    spread(net.model[-1].m, run, -0.6, 2.4)
    return net


def answers(rows: Any) -> list[Found]:
    """What YOLOv5 finds, cut at the picture's edges."""
    from yolov5.utils.general import non_max_suppression, scale_boxes

    [found] = non_max_suppression(rows, CONF, IOU)
    height, width = picture().shape[:2]
    boxes = scale_boxes((SIZE, SIZE), found[:, :4], (height, width), _placed(width, height))
    return [
        Found(NAMES[int(row[5])], round(float(row[4]), 5), rounded(box.tolist()))
        for row, box in zip(found, boxes, strict=True)
        if box[0] < box[2] and box[1] < box[3]
    ]


def _placed(width: int, height: int) -> Any:
    """Where the letterbox placed the picture; YOLOv5's default forgets that it rounds the margin."""
    ratio = min(SIZE / width, SIZE / height)
    left, top = (round((SIZE - round(side * ratio)) / 2 - 0.1) for side in (width, height))
    return ((ratio, ratio), (left, top))


def record(name: str, folder: Path) -> int:
    """Export, run and write one case; returns how much was found."""
    import torch

    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    net = network()
    net.model[-1].export = True
    shown = torch.from_numpy(fed())
    torch.onnx.export(
        net,
        (shown,),
        str(target / "model.onnx"),
        input_names=["images"],
        output_names=["output0"],
        opset_version=12,
        dynamo=False,
    )
    _note(target / "model.onnx")
    with torch.no_grad():
        rows = net(shown)
    found = answers(rows[0] if isinstance(rows, tuple | list) else rows)
    write_case(target, Case("yolov5 7.0.14, yolov5n", "yolov5", CONF, found), fed())
    return len(found)


def _note(path: Path) -> None:
    """The metadata that YOLOv5's export writes."""
    import onnx

    model = onnx.load(str(path))
    for key, value in {"stride": "32", "names": str(dict(enumerate(NAMES)))}.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, str(path))


def main() -> None:
    """Write the cases that were named, or all."""
    for name in sys.argv[2:] or RECIPES:
        print(name, record(name, Path(sys.argv[1])), flush=True)


if __name__ == "__main__":
    main()
