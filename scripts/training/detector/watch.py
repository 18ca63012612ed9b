"""AP50 on held-out training photos, to see whether a run learns. It chooses nothing."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from scripts.training.detector.data import Photo
from scripts.training.detector.net import decode, grid


def average_precision(
    network: nn.Module, photos: Sequence[Photo], size: int, device: torch.device
) -> tuple[float, float]:
    """AP50 over classes, and of class 0 (person), photos stretched to size x size."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    cells = grid(size, size, device)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, photo in enumerate(photos):
        height, width = photo.levels[0].shape[:2]
        images.append({"id": number, "width": width, "height": height})
        for box, kind in zip(photo.boxes.tolist(), photo.classes.tolist(), strict=True):
            corner = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": kind, "bbox": corner,
                 "area": corner[2] * corner[3], "iscrowd": 0}
            )  # fmt: skip
        results += _detect(network, photo, number, size, cells, device)
    if not results:
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": number, "name": str(number)} for number in range(80)],
        }
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(results), "bbox")
        run.params.iouThrs = np.array([0.5])
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][0, :, :, 0, -1]
    return float(precision[precision > -1].mean()), float(precision[:, 0].mean())


def _detect(
    network: nn.Module, photo: Photo, number: int, size: int, cells: torch.Tensor, device: torch.device
) -> list[dict[str, Any]]:
    pixels = cv2.resize(photo.levels[0], (size, size), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        raw = network(torch.from_numpy(pixels).to(device).permute(2, 0, 1)[None].float() / 255.0)[0].float()
        boxes = decode(torch.cat((raw[:, :2].sigmoid(), raw[:, 2:4]), 1), cells)
        scores = raw[:, 4:5].sigmoid() * raw[:, 5:].sigmoid()
    height, width = photo.levels[0].shape[:2]
    boxes = (boxes.clamp(0, size) * torch.tensor([width, height, width, height], device=device) / size).cpu()
    index, classes = (scores > 0.005).nonzero(as_tuple=True)
    best = scores[index, classes].cpu().numpy()
    order = np.argsort(-best)[:600]
    index, classes, best = index.cpu().numpy()[order], classes.cpu().numpy()[order], best[order]
    corners = boxes[index].numpy()
    corners[:, 2:] -= corners[:, :2]
    chosen: Any = cv2.dnn.NMSBoxesBatched(corners.tolist(), best.tolist(), classes.tolist(), 0.005, 0.45)
    return [
        {
            "image_id": number,
            "category_id": int(classes[i]),
            "bbox": corners[i].tolist(),
            "score": float(best[i]),
        }
        for i in np.asarray(chosen, int).reshape(-1)[:100]
    ]
