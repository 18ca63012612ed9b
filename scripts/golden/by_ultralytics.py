"""Cases of ultralytics: every generation and task, exported and run by ultralytics itself.

    python -m scripts.golden.by_ultralytics FOLDER [NAME...]     # needs ultralytics, which is AGPL-3.0

Only numbers are kept of it: no code and no weights.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scripts.golden.case import Case, Found, rounded, write_case
from scripts.golden.lively import calibrate_norms, spread
from scripts.golden.picture import HEIGHT, WIDTH, picture

NAMES = ("cat", "it's a dog", "bird, small")
CONF = 0.25


@dataclass(frozen=True)
class Recipe:
    """One network. cfg: of ultralytics. size: pixels. export: of its export. mean: of class logits."""

    cfg: str
    family: str
    size: int = 160
    export: dict[str, Any] = field(default_factory=dict)
    mean: float = -5.0


RECIPES = {
    "ultralytics-v3u": Recipe("yolov3-tiny.yaml", "yolov8"),
    "ultralytics-v5u": Recipe("yolov5n.yaml", "yolov8"),
    "ultralytics-v8": Recipe("yolov8n.yaml", "yolov8"),
    "ultralytics-v8-dynamic": Recipe("yolov8n.yaml", "yolov8", export={"dynamic": True}),
    "ultralytics-v8-nms": Recipe("yolov8n.yaml", "yolov10", export={"nms": True, "conf": 0.05, "iou": 0.7}),
    "ultralytics-v8-segment": Recipe("yolov8n-seg.yaml", "yolov8", 96),
    "ultralytics-v8-segment-nms": Recipe("yolov8n-seg.yaml", "yolov10", 96, {"nms": True, "conf": 0.05}),
    "ultralytics-v8-pose": Recipe("yolov8n-pose.yaml", "yolov8"),
    "ultralytics-v8-pose-nms": Recipe("yolov8n-pose.yaml", "yolov10", export={"nms": True, "conf": 0.05}),
    "ultralytics-v8-obb": Recipe("yolov8n-obb.yaml", "yolov8"),
    "ultralytics-v8-classify": Recipe("yolov8n-cls.yaml", "yolo-classify", 64),
    "ultralytics-v9": Recipe("yolov9t.yaml", "yolov8"),
    "ultralytics-v10": Recipe("yolov10n.yaml", "yolov10", export={"nms": False}),
    "ultralytics-11": Recipe("yolo11n.yaml", "yolov8"),
    "ultralytics-11-obb": Recipe("yolo11n-obb.yaml", "yolov8", export={"dynamic": True}),
    "ultralytics-12": Recipe("yolo12n.yaml", "yolov8"),
    "ultralytics-26": Recipe("yolo26n.yaml", "yolov8"),
    "ultralytics-26-end-to-end": Recipe(
        "yolo26n.yaml", "yolov10", export={"nms": False, "dynamic": True}, mean=-3.0
    ),
    "ultralytics-26-segment": Recipe("yolo26n-seg.yaml", "yolov10", 96, {"nms": False}, mean=-3.0),
    "ultralytics-26-pose": Recipe("yolo26n-pose.yaml", "yolov10", export={"nms": False}),
    "ultralytics-26-obb": Recipe("yolo26n-obb.yaml", "yolov10", export={"nms": False}),
    "ultralytics-rtdetr": Recipe("rtdetr-l.yaml", "ultralytics-rtdetr", mean=-3.0),
}
# Mean and deviation of what the last layers of a head answer: box distances, and what is no score either.
BOXES, REST = (0.0, 2.5), (0.0, 1.0)
CLASSES_DEVIATION = 2.2


def network(recipe: Recipe, folder: Path) -> Any:
    """A network with seeded, calibrated weights."""
    import torch
    import yaml
    from ultralytics import RTDETR, YOLO
    from ultralytics.nn.tasks import yaml_model_load

    torch.manual_seed(12)
    cfg = folder / recipe.cfg
    content = {**yaml_model_load(recipe.cfg), "nc": len(NAMES)}
    del content["yaml_file"]
    cfg.write_text(yaml.safe_dump(content), encoding="utf-8")
    model = (RTDETR if cfg.name.startswith("rtdetr") else YOLO)(str(cfg))
    model.model.names = dict(enumerate(NAMES))
    _enliven(model.model, recipe)
    return model


def _enliven(net: Any, recipe: Recipe) -> None:
    import torch
    from ultralytics.data.augment import LetterBox

    shown = (
        LetterBox((recipe.size, recipe.size), auto=recipe.export.get("dynamic", False))(
            image=picture()
        ).transpose(2, 0, 1)[None]
        / 255
    )
    images = torch.from_numpy(np.ascontiguousarray(shown)).float()

    def run() -> Any:
        return net(images)

    calibrate_norms(net, run)
    head = net.model[-1]
    if hasattr(head, "linear"):
        spread([head.linear], run, 0.0, 2.0)
        return
    classes = (recipe.mean, CLASSES_DEVIATION)
    for name, wanted in (("cv2", BOXES), ("cv3", classes), ("cv4", REST)):
        for prefix in ("", "one2one_"):
            branches = getattr(head, prefix + name, None)
            spread([branch[-1] for branch in branches or () if hasattr(branch[-1], "weight")], run, *wanted)
    for layers in (getattr(head, "dec_score_head", None), getattr(head, "enc_score_head", None)):
        listed = layers if isinstance(layers, torch.nn.ModuleList) else [layers] if layers else []
        spread(listed, run, *classes)


def answers(result: Any) -> list[Found]:
    """What ultralytics found, in its order."""
    names, found = result.names, []
    if result.probs is not None:
        scores = result.probs.data.tolist()
        order = sorted(range(len(scores)), key=lambda index: -scores[index])
        return [Found(names[index], round(scores[index], 5)) for index in order if scores[index] >= CONF]
    boxes = result.obb if result.obb is not None else result.boxes
    for index in range(len(boxes)):
        outline, keypoints = [], []
        box = _inside(boxes.xyxy[index].tolist())
        if box[0] >= box[2] or box[1] >= box[3]:
            continue
        if result.obb is not None:
            outline = [rounded(boxes.xyxyxyxy[index].tolist())]
        if result.masks is not None:
            outline = _contours(result.masks.data[index].numpy())
        if result.keypoints is not None:
            keypoints = rounded(result.keypoints.data[index].tolist())
        label, score = names[int(boxes.cls[index])], round(float(boxes.conf[index]), 5)
        found.append(Found(label, score, rounded(box), outline, keypoints))
    return found


def _inside(box: list[float]) -> list[float]:
    """A box cut at the picture's edges, as ours are."""
    return [min(max(side, 0.0), limit) for side, limit in zip(box, (WIDTH, HEIGHT) * 2, strict=True)]


def _contours(mask: Any) -> list[Any]:
    """Every contour of a mask in pixels of the picture; ultralytics itself joins them to one."""
    from ultralytics.utils import ops

    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    corners = [contour.reshape(-1, 2).astype(np.float32) for contour in contours if len(contour) >= 3]
    return [rounded(ops.scale_coords(mask.shape, ring, (HEIGHT, WIDTH)).tolist()) for ring in corners]


def record(name: str, recipe: Recipe, folder: Path) -> int:
    """Export, run and write one case; returns how much was found."""
    import ultralytics
    from ultralytics import RTDETR, YOLO

    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    made = network(recipe, target)
    task = made.task
    exported = made.export(format="onnx", imgsz=recipe.size, simplify=False, **recipe.export)
    shutil.move(str(exported), target / "model.onnx")
    path = str(target / "model.onnx")
    runner = RTDETR(path) if isinstance(made, RTDETR) else YOLO(path, task=task)
    bgr = np.ascontiguousarray(picture()[..., ::-1])
    [result] = runner.predict(bgr, imgsz=recipe.size, conf=CONF, device="cpu", verbose=False)
    fed = runner.predictor.preprocess([bgr]).numpy()
    found = answers(result)
    maker = f"ultralytics {ultralytics.__version__}, {recipe.cfg}"
    write_case(target, Case(maker, recipe.family, CONF, found, exact=task != "classify"), fed)
    return len(found)


def main() -> None:
    """Write the cases that were named, or all."""
    folder = Path(sys.argv[1])
    for name in sys.argv[2:] or RECIPES:
        print(name, record(name, RECIPES[name], folder), flush=True)


if __name__ == "__main__":
    main()
