"""The one evaluator for detectors: AP50, AP, per class, person, and the precision-recall picture.

Any ONNX file in the interface detector/1 is run with ONNX Runtime directly, so a fault of the product's
pipeline cannot hide in its own measure. Run as a module:

python -m scripts.evaluation.detection MODEL.onnx --data DIR [--split val] [--fit stretch] [--size 256]
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mediaml.compare.average_precision import average_precision
from scripts.evaluation.photos import decode_photo, load_index, read_tars

FITS = ("stretch", "letterbox")
CONFIDENCE = 0.001  # as darknet's and COCO's own evaluations: ranking decides, not a threshold
NMS_IOU = 0.45  # darknet's
CANDIDATES = 3000  # a photo's boxes before suppression
KEPT = 100  # COCO's maximum of detections a photo
PAD = 114

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A photo brought to the net's size: model = source * scale + shift, (x, y) in pixels."""

    pixels: NDArray[np.uint8]
    scale: tuple[float, float]
    shift: tuple[float, float]


def fit_photo(photo: NDArray[np.uint8], width: int, height: int, fit: str) -> Fitted:
    """Stretch to width x height, or letterbox: keep the aspect, centre, pad with grey 114."""
    if fit not in FITS:
        raise ValueError(f"fit {fit!r}: choose one of {', '.join(FITS)}")
    rows, columns = photo.shape[:2]
    if fit == "stretch":
        return Fitted(_resize(photo, width, height), (width / columns, height / rows), (0.0, 0.0))
    ratio = min(width / columns, height / rows)
    inner = (max(1, round(columns * ratio)), max(1, round(rows * ratio)))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas = np.full((height, width, 3), PAD, np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = _resize(photo, *inner)
    return Fitted(canvas, (inner[0] / columns, inner[1] / rows), (float(left), float(top)))


def _resize(photo: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def suppress(
    boxes: NDArray[np.float32], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Per-class greedy NMS of one photo's answers: boxes [anchors, 4], scores [anchors, classes].

    Returns boxes [n, 4], classes [n], scores [n], best first, n at most 100.
    """
    anchor, classes = np.nonzero(scores > CONFIDENCE)
    best = scores[anchor, classes]
    order = np.argsort(-best, kind="stable")[:CANDIDATES]
    anchor, classes, best = anchor[order], classes[order], best[order]
    if not len(best):
        return np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32)
    corners = boxes[anchor].astype(np.float64)
    corners[:, 2:] -= corners[:, :2]
    kept: Any = cv2.dnn.NMSBoxesBatched(
        corners.tolist(), best.tolist(), classes.tolist(), CONFIDENCE, NMS_IOU
    )
    index = np.asarray(kept, np.int64).reshape(-1)
    index = index[np.argsort(-best[index], kind="stable")][:KEPT]
    return boxes[anchor[index]], classes[index].astype(np.int64), best[index]


def predict(
    model: Path,
    photos: Iterable[tuple[int, NDArray[np.uint8]]],
    fit: str = "stretch",
    size: int | None = None,
    threads: int = 0,
) -> Iterator[Result]:
    """COCO results (image_id, category_id, bbox, score) of photos (id, uint8 RGB [height, width, 3])."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session: Any = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    described = session.get_modelmeta().custom_metadata_map
    if described.get("mediaml.interface") != "detector/1":
        raise ValueError(f"{model.name}: mediaml.interface is not detector/1; import or train it first")
    default = json.loads(described["mediaml.input"])
    width, height = (size or int(default["width"])), (size or int(default["height"]))

    def run(images: NDArray[np.uint8]) -> Sequence[NDArray[np.float32]]:
        answers: Sequence[NDArray[np.float32]] = session.run(["boxes", "scores"], {"images": images})
        return answers

    return detections(run, photos, (width, height), fit)


def detections(
    run: Callable[[NDArray[np.uint8]], Sequence[NDArray[np.float32]]],
    photos: Iterable[tuple[int, NDArray[np.uint8]]],
    size: tuple[int, int],
    fit: str = "stretch",
) -> Iterator[Result]:
    """COCO results of photos.

    Args:
        run: boxes and scores of images uint8 [1, height, width, 3]. size: width and height of these.
    """
    for identity, photo in photos:
        fitted = fit_photo(photo, *size, fit)
        boxes, scores = run(fitted.pixels[None])
        found, classes, best = suppress(boxes[0], scores[0])
        corners = (found - np.tile(fitted.shift, 2)) / np.tile(fitted.scale, 2)
        corners = np.clip(corners, 0, [photo.shape[1], photo.shape[0]] * 2)
        for box, kind, score in zip(corners.tolist(), classes.tolist(), best.tolist(), strict=True):
            bbox = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            yield {"image_id": identity, "category_id": kind, "bbox": bbox, "score": score}


@dataclass(frozen=True, slots=True)
class Measures:
    """AP at IoU .50 and over .50:.05:.95 (COCO), mean over the classes that the truth holds.

    per_class: AP50 by class name; precision: [101] mean over classes at IoU .50, at `recall` 0, .01 ... 1.
    """

    ap50: float
    ap: float
    per_class: Mapping[str, float]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def measure(truth: Mapping[str, Any], results: Sequence[Result]) -> Measures:
    """Compare COCO results with a COCO-format truth through pycocotools."""
    names = {int(category["id"]): str(category["name"]) for category in truth["categories"]}
    found = average_precision(truth, results)
    return Measures(
        found.ap50,
        found.ap,
        {names[kind]: ap50 for kind, (ap50, _) in found.per_class.items()},
        np.asarray(found.precision),
        np.linspace(0, 1, 101),
    )


def plot_precision_recall(curves: Mapping[str, Measures], path: Path) -> None:
    """A PNG with one mean precision-recall curve (IoU .50) a model."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    for name, measures in curves.items():
        axes.plot(measures.recall, measures.precision, label=f"{name}: AP50 {measures.ap50:.3f}")
    axes.set(xlabel="recall", ylabel="precision, mean over classes", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def read_photos(data: Path, split: str, index: Mapping[str, Any]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Image id and pixels of every photo that the index names."""
    identities = {str(image["file_name"]): int(image["id"]) for image in index["images"]}
    for name, content in read_tars(data, split):
        if name in identities:
            yield identities[name], decode_photo(content, name)


def evaluate_detector(
    model: Path,
    data: Path,
    *,
    split: str = "val",
    fit: str = "stretch",
    size: int | None = None,
    plots: Path | None = None,
    threads: int = 0,
) -> dict[str, Any]:
    """Measure a detector/1 file on `data`/`split`.json and its tars.

    Returns ap50, ap, person_ap50, per_class (AP50 by name), photos, boxes, fit, size (None: the model's own).
    With `plots`, writes pr_MODEL.png into that folder. Raises FileNotFoundError where the split is absent and
    ValueError where the model does not speak detector/1.
    """
    index = load_index(data, split)
    results = list(predict(model, read_photos(data, split, index), fit, size, threads))
    measures = measure(index, results)
    if plots is not None:
        plot_precision_recall({model.stem: measures}, plots / f"pr_{model.stem}.png")
    return {
        "ap50": round(measures.ap50, 4),
        "ap": round(measures.ap, 4),
        "person_ap50": round(measures.per_class.get("person", 0.0), 4),
        "per_class": {name: round(value, 4) for name, value in measures.per_class.items()},
        "photos": len(index["images"]),
        "boxes": sum(not entry.get("iscrowd") for entry in index["annotations"]),
        "split": split,
        "fit": fit,
        "size": size,
    }


def main() -> None:
    """Entry."""
    parser = argparse.ArgumentParser(description="Measure a detector/1 ONNX file on COCO-format photos.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with SPLIT.json and SPLIT*.tar")
    parser.add_argument("--split", default="val")
    parser.add_argument("--fit", choices=FITS, default="stretch")
    parser.add_argument("--size", type=int, help="input pixels; the model's own when left out")
    parser.add_argument("--plots", type=Path, help="folder for the precision-recall picture")
    given = parser.parse_args()
    answer = evaluate_detector(
        given.model, given.data, split=given.split, fit=given.fit, size=given.size, plots=given.plots
    )
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
