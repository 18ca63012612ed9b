"""A case of torchvision's detectors: boxes, labels and scores of one image, chosen inside the graph.

python -m scripts.golden.by_torchvision FOLDER [NAME...]     # needs torchvision
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from scripts.golden.case import Case, Found, rounded, write_case
from scripts.golden.lively import calibrate_norms, spread
from scripts.golden.picture import HEIGHT, WIDTH, picture

NAMES = ("__background__", "cat", "dog", "bird")
CONF = 0.25
RECIPES = {
    "torchvision-faster-rcnn": "fasterrcnn_mobilenet_v3_large_320_fpn",
    "torchvision-ssdlite": "ssdlite320_mobilenet_v3_large",
}


def network(name: str, image: Any) -> Any:
    """A detector with seeded, calibrated weights."""
    import torch
    from torchvision.models import detection

    torch.manual_seed(12)
    made = getattr(detection, RECIPES[name])(weights=None, weights_backbone=None, num_classes=len(NAMES))
    net = made.eval()

    def run() -> Any:
        return net([image])

    calibrate_norms(net, run)
    spread(_last_layers(net), run, 0.0, 1.5)
    return net


def _last_layers(net: Any) -> list[Any]:
    """The layers whose outputs are class logits."""
    if hasattr(net, "roi_heads"):
        return [net.roi_heads.box_predictor.cls_score]
    return [block[-1] for block in net.head.classification_head.module_list]


def answers(result: Any) -> list[Found]:
    """What torchvision finds from a score on; background is none."""
    found = []
    for box, label, score in zip(result["boxes"], result["labels"], result["scores"], strict=True):
        if float(score) >= CONF:
            cut = np.clip(box.numpy(), 0, (WIDTH, HEIGHT) * 2).tolist()
            found.append(Found(NAMES[int(label)], round(float(score), 5), rounded(cut)))
    return found


def record(name: str, folder: Path) -> int:
    """Export, run and write one case; returns how much was found."""
    import torch
    import torchvision

    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    image = torch.from_numpy(picture().transpose(2, 0, 1).copy()).float() / 255
    net = network(name, image)
    with torch.no_grad():
        [result] = net([image])
    torch.onnx.export(
        net,
        ([image],),
        str(target / "model.onnx"),
        input_names=["image"],
        output_names=list(result),
        dynamic_axes={"image": {1: "height", 2: "width"}},
        opset_version=17,
        dynamo=False,
    )
    found = answers(result)
    maker = f"torchvision {torchvision.__version__}, {RECIPES[name]}"
    beside = {"labels.txt": "\n".join(NAMES) + "\n"}
    write_case(target, Case(maker, "torchvision", CONF, found), image.numpy(), beside)
    return len(found)


def main() -> None:
    """Write the cases that were named, or all."""
    for name in sys.argv[2:] or RECIPES:
        print(name, record(name, Path(sys.argv[1])), flush=True)


if __name__ == "__main__":
    main()
