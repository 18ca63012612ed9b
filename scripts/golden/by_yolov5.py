"""Cases of YOLOv5's and YOLOv7's own exports: a box, objectness and class scores, three boxes per cell.

    python -m scripts.golden.by_yolov5 FOLDER [NAME...]

Needs yolov5 7 (AGPL-3.0), for `yolov7` sas-yolov7 (GPL-3.0). Only numbers are kept of them: no code and no
weights.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from scripts.golden.case import Case, Found, rounded, write_case
from scripts.golden.lively import calibrate_norms, spread
from scripts.golden.picture import picture

NAMES = ("cat", "dog", "bird")
SIZE, CONF, IOU = 160, 0.25, 0.45


@dataclass(frozen=True)
class Recipe:
    """One network.

    Attributes:
        package: on PyPI; its module has the same name with underscores. cfg: path in the module.
        letterbox, scale: modules and names of its functions.
        axes: that its export leaves free. metadata: that its export writes.
        beside: files beside the graph. options: see `Case.options`.
    """

    package: str
    cfg: str
    letterbox: tuple[str, str]
    scale: str
    axes: dict[str, dict[int, str]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    options: dict[str, str | int] = field(default_factory=dict)

    def module(self, name: str) -> Any:
        """A module of the package."""
        return importlib.import_module(f"{self.package.replace('-', '_')}.{name}")


_NOTED = {"stride": "32", "names": str(dict(enumerate(NAMES)))}
_FREE = {"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch", 1: "anchors"}}
_V5 = Recipe("yolov5", "models/yolov5n.yaml", ("utils.augmentations", "letterbox"), "scale_boxes")
_V7 = Recipe("sas-yolov7", "cfg/deploy/yolov7-tiny.yaml", ("utils.datasets", "letterbox"), "scale_coords")
RECIPES = {
    "yolov5": replace(_V5, metadata=_NOTED),
    "yolov5-dynamic": replace(_V5, axes=_FREE, metadata=_NOTED, options={"imgsz": SIZE}),
    "yolov7": replace(_V7, beside={"labels.txt": "\n".join(NAMES) + "\n"}),
}


def fed(recipe: Recipe) -> Any:
    """What the maker's letterbox makes of the picture: float32 [1, 3, 160, 160]."""
    module, name = recipe.letterbox
    letterbox = getattr(recipe.module(module), name)
    image = letterbox(picture(), SIZE, auto=False)[0].transpose(2, 0, 1)[None]
    return np.ascontiguousarray(image, np.float32) / 255


def network(recipe: Recipe) -> Any:
    """The smallest network of its maker with seeded, calibrated weights."""
    import torch

    torch.manual_seed(12)
    yolo = recipe.module("models.yolo")
    folder = Path(yolo.__file__).parents[1]
    net = yolo.Model(str(folder / recipe.cfg), ch=3, nc=len(NAMES)).eval()
    shown = torch.from_numpy(fed(recipe))

    def run() -> Any:
        return net(shown)

    calibrate_norms(net, run)
    for layer in net.model[-1].m:  # whose biases say that objects are rare
        layer.bias.data.zero_()
    spread(net.model[-1].m, run, -0.6, 2.4)
    return net


def answers(rows: Any, recipe: Recipe) -> list[Found]:
    """What the maker finds, cut at the picture's edges."""
    general = recipe.module("utils.general")
    [found] = general.non_max_suppression(rows, CONF, IOU)
    height, width = picture().shape[:2]
    scale = getattr(general, recipe.scale)
    boxes = scale((SIZE, SIZE), found[:, :4], (height, width), _placed(width, height))
    return [
        Found(NAMES[int(row[5])], round(float(row[4]), 5), rounded(box.tolist()))
        for row, box in zip(found, boxes, strict=True)
        if box[0] < box[2] and box[1] < box[3]
    ]


def _placed(width: int, height: int) -> Any:
    """Where the letterbox placed the picture; the makers' default forgets that it rounds the margin."""
    ratio = min(SIZE / width, SIZE / height)
    left, top = (round((SIZE - round(side * ratio)) / 2 - 0.1) for side in (width, height))
    return ((ratio, ratio), (left, top))


def record(name: str, folder: Path) -> int:
    """Export, run and write one case; returns how much was found."""
    import torch

    target, recipe = folder / name, RECIPES[name]
    target.mkdir(parents=True, exist_ok=True)
    net = network(recipe)
    head, shown = net.model[-1], torch.from_numpy(fed(recipe))
    with torch.no_grad():
        rows = net(shown)
    # YOLOv5 gives boxes alone when it exports; YOLOv7 is told to join them, and its `export` means raw maps.
    if recipe.package == "yolov5":
        head.export, head.dynamic = True, bool(recipe.axes)
    else:
        head.concat = True
    torch.onnx.export(
        net,
        (shown,),
        str(target / "model.onnx"),
        input_names=["images"],
        output_names=["output0" if recipe.package == "yolov5" else "output"],
        opset_version=12,
        dynamic_axes=recipe.axes,
        dynamo=False,
    )
    _note(target / "model.onnx", recipe.metadata)
    found = answers(rows[0] if isinstance(rows, tuple | list) else rows, recipe)
    maker = f"{recipe.package} {version(recipe.package)}, {Path(recipe.cfg).stem}"
    case = Case(maker, "yolov5", CONF, found, recipe.options)
    write_case(target, case, fed(recipe), recipe.beside)
    return len(found)


def _note(path: Path, metadata: dict[str, str]) -> None:
    """The metadata that the maker's export writes."""
    import onnx

    model = onnx.load(str(path))
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, str(path))


def main() -> None:
    """Write the cases that were named, or all."""
    for name in sys.argv[2:] or RECIPES:
        print(name, record(name, Path(sys.argv[1])), flush=True)


if __name__ == "__main__":
    main()
