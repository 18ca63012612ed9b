"""COCO: a data set (`instances.json`) and detection results (`results.json`), as pycocotools reads them.

https://cocodataset.org/#format-data and #format-results. Image ids count from 1 in the order of the ledger,
category ids are class numbers plus 1, and annotation ids count from 1: pycocotools takes 0 for "unmatched".
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

from mediaml import __version__
from mediaml.core.prediction import Detection, Keypoint
from mediaml.ledger.results import Results
from mediaml.outputs.export.images import (
    AnnotatedImage,
    annotated_images,
    class_names,
    detectors,
    place_media,
    polygon_area,
)
from mediaml.outputs.export.json_list import JsonItems
from mediaml.outputs.export.options import ExportOptions

INSTANCES, RESULTS = "instances.json", "results.json"
_DECIMALS = 2
_PERSON = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)


def write_coco(results: Results, target: Path, options: ExportOptions) -> None:
    """Write both files into the folder `target`.

    Raises:
        OutputError: there are no detections, or the files cannot be written.
    """
    models = detectors(results, "coco")
    names = class_names(results, models)
    numbers = {name: number for number, name in enumerate(names, 1)}
    keypoints: dict[int, int] = {}
    with (
        (target / INSTANCES).open("wb") as instances,
        (target / RESULTS).open("wb") as found,
        tempfile.TemporaryFile(dir=target) as annotations,
    ):
        info = {"description": "exported by mediaml", "version": __version__}
        instances.write(b'{"info":' + msgspec.json.encode(info) + b',"licenses":[],"images":[')
        found.write(b"[")
        images, marks, seen = JsonItems(instances), JsonItems(annotations), JsonItems(found)
        for number, image in enumerate(annotated_images(results, models), 1):
            images.add(_image(number, image))
            place_media(image, target / "images" / image.name, options.media)
            for detection in image.detections:
                category = numbers[detection.label.name]
                if detection.keypoints:
                    keypoints[category] = max(keypoints.get(category, 0), len(detection.keypoints))
                record = _record(number, category, detection)
                seen.add(record)
                marks.add({"id": marks.length + 1, "segmentation": [], **record, **_truth(detection)})
        found.write(b"]\n")
        instances.write(b'],"annotations":[')
        _copy(annotations, instances)
        categories = [_category(number, name, keypoints) for name, number in numbers.items()]
        instances.write(b'],"categories":' + msgspec.json.encode(categories) + b"}\n")


def _copy(annotations: IO[bytes], instances: IO[bytes]) -> None:
    annotations.seek(0)
    while block := annotations.read(1 << 20):
        instances.write(block)


def _image(number: int, image: AnnotatedImage) -> dict[str, Any]:
    of_frame = {} if image.frame is None else {"frame": image.frame}
    sizes = {"width": image.width, "height": image.height}
    return {"id": number, "file_name": image.name, **sizes, "source": image.source.shown, **of_frame}


def _record(image: int, category: int, detection: Detection) -> dict[str, Any]:
    """What data sets and results have in common."""
    box = detection.box
    size = (round(box.right - box.left, _DECIMALS), round(box.bottom - box.top, _DECIMALS))
    record: dict[str, Any] = {
        "image_id": image,
        "category_id": category,
        "bbox": [box.left, box.top, *size],
        "score": detection.label.score,
    }
    if detection.outline:
        record["segmentation"] = [
            [value for corner in ring for value in corner] for ring in detection.outline
        ]
    if detection.keypoints:
        record["keypoints"] = [value for point in detection.keypoints for value in _seen(point)]
    if detection.track is not None:
        record["track_id"] = detection.track
    return record


def _seen(point: Keypoint) -> tuple[float, float, int]:
    """x, y and 2 for visible, as COCO writes a keypoint; all 0 for one that was not found."""
    return (point.x, point.y, 2) if point.score > 0 else (0, 0, 0)


def _truth(detection: Detection) -> dict[str, Any]:
    """What only a data set has."""
    box = detection.box
    area = polygon_area(detection.outline) or (box.right - box.left) * (box.bottom - box.top)
    truth: dict[str, Any] = {"area": round(area, _DECIMALS), "iscrowd": 0}
    if detection.keypoints:
        truth["num_keypoints"] = sum(point.score > 0 for point in detection.keypoints)
    return truth


def _category(number: int, name: str, keypoints: Mapping[int, int]) -> dict[str, Any]:
    category: dict[str, Any] = {"id": number, "name": name, "supercategory": ""}
    if number in keypoints:
        count = keypoints[number]
        points = _PERSON if count == len(_PERSON) else tuple(map(str, range(count)))
        category |= {"keypoints": points, "skeleton": []}
    return category
