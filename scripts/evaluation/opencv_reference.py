"""What OpenCV's own darknet reader answers: the reference that imported nets are measured against.

OpenCV reads darknet up to version 4, so this runs in an environment of its own, with numpy and
opencv-python<5 alone, and only writes COCO results; `scripts.evaluation.detection.measure` measures them.

python -m scripts.evaluation.opencv_reference NET.cfg NET.weights --data DIR -o results.json [--fit rectangle]
"""

import argparse
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDE = 32
PAD = 114
FITS = ("rectangle", "letterbox", "stretch")


def input_size(cfg: Path) -> int:
    """The longer side, pixels, that the cfg names."""
    lines = (
        line.split("#")[0].replace(" ", "").partition("=") for line in cfg.read_text("utf-8").splitlines()
    )
    return max(int(value) for key, equals, value in lines if equals and key in {"width", "height"})


def read_net(cfg: Path, weights: Path, conf: float) -> Any:
    """OpenCV's net, which itself drops what is below 0.2 unless its heads' `thresh` says otherwise."""
    text = cfg.read_text("utf-8").replace("[yolo]", f"[yolo]\nthresh={min(conf, 0.2)}")
    dnn: Any = cv2.dnn  # OpenCV 5, which the types are of, has no such reader any more
    return dnn.readNetFromDarknet(
        np.frombuffer(text.encode(), np.uint8), np.frombuffer(weights.read_bytes(), np.uint8)
    )


def place_photo(
    photo: NDArray[np.uint8], size: int, fit: str
) -> tuple[NDArray[np.uint8], tuple[float, float], tuple[float, float]]:
    """The photo at the net's size, the scale (x, y) and the shift (x, y) that lead there."""
    rows, columns = photo.shape[:2]
    if fit == "stretch":
        resized = cv2.resize(photo, (size, size), interpolation=cv2.INTER_LINEAR)
        return np.asarray(resized, np.uint8), (size / columns, size / rows), (0.0, 0.0)
    ratio = size / max(rows, columns)
    inner = max(1, int(columns * ratio + 0.5)), max(1, int(rows * ratio + 0.5))
    width, height = (-(-side // STRIDE) * STRIDE if fit == "rectangle" else size for side in inner)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas = np.full((height, width, 3), PAD, np.uint8)
    resized = cv2.resize(photo, inner, interpolation=cv2.INTER_LINEAR)
    canvas[top : top + inner[1], left : left + inner[0]] = resized
    return canvas, (inner[0] / columns, inner[1] / rows), (float(left), float(top))


def detect(
    net: Any, photo: NDArray[np.uint8], size: int, given: argparse.Namespace
) -> Iterator[tuple[list[float], int, float]]:
    """Boxes (left, top, width, height in the photo's pixels), class and score of one BGR photo."""
    canvas, scale, shift = place_photo(photo, size, given.fit)
    height, width = canvas.shape[:2]
    net.setInput(cv2.dnn.blobFromImage(canvas, 1 / 255, swapRB=True))
    rows = np.concatenate(net.forward(net.getUnconnectedOutLayersNames()))
    scores = rows[:, 5:]
    if given.best_class:
        scores = np.where(scores == scores.max(axis=1, keepdims=True), scores, 0)
    anchors, classes = np.nonzero(scores >= given.conf)
    best = scores[anchors, classes]
    corners = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], axis=1)
    corners = corners[anchors] * np.array([width, height] * 2)
    corners = (corners - np.tile(shift, 2)) / np.tile(scale, 2)
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxesBatched(boxes.tolist(), best.tolist(), classes.tolist(), given.conf, given.iou)
    index = np.asarray(kept, np.int64).reshape(-1)
    limits = np.array([photo.shape[1], photo.shape[0]] * 2)
    for chosen in index[np.argsort(-best[index], kind="stable")][: given.max_det]:
        left, top, right, bottom = np.clip(corners[chosen], 0, limits).tolist()
        yield [left, top, right - left, bottom - top], int(classes[chosen]), float(best[chosen])


def main() -> None:
    """Entry."""
    parser = argparse.ArgumentParser(description="COCO results of a darknet net through OpenCV's DNN module.")
    parser.add_argument("cfg", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with SPLIT.json and SPLIT.tar")
    parser.add_argument("--split", default="val")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--fit", choices=FITS, default="rectangle")
    parser.add_argument("--conf", type=float, default=0.005)
    parser.add_argument("--iou", type=float, default=0.45)
    parser.add_argument("--max-det", type=int, default=300)
    parser.add_argument("--best-class", action="store_true", help="one class an anchor, not all over --conf")
    given = parser.parse_args()
    net = read_net(given.cfg, given.weights, given.conf)
    index = json.loads((given.data / f"{given.split}.json").read_text("utf-8"))
    identities = {image["file_name"]: image["id"] for image in index["images"]}
    results = []
    with tarfile.open(given.data / f"{given.split}.tar") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if member.name not in identities or content is None:
                continue
            photo = np.asarray(
                cv2.imdecode(np.frombuffer(content.read(), np.uint8), cv2.IMREAD_COLOR), np.uint8
            )
            for box, kind, score in detect(net, photo, input_size(given.cfg), given):
                answer = {
                    "image_id": identities[member.name],
                    "category_id": kind,
                    "bbox": box,
                    "score": score,
                }
                results.append(answer)
    given.output.write_text(json.dumps(results), "utf-8")


if __name__ == "__main__":
    main()
