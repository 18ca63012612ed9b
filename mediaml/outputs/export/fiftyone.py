"""FiftyOne: its `FiftyOneImageDetectionDataset`, `labels.json` beside the images or a list of them.

https://docs.voxel51.com/user_guide/dataset_creation/datasets.html#fiftyoneimagedetectiondataset. Boxes are
left, top, width and height as shares of the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from mediaml.core.location import Url
from mediaml.core.prediction import Detection
from mediaml.ledger.results import Results
from mediaml.outputs.export.images import (
    AnnotatedImage,
    annotated_images,
    class_names,
    detectors,
    place_media,
)
from mediaml.outputs.export.json_list import JsonItems
from mediaml.outputs.export.options import ExportOptions

_DECIMALS = 6


def write_fiftyone(results: Results, target: Path, options: ExportOptions) -> None:
    """Write the data set into the folder `target`: `labels.json`, and `data/` or, without media, `data.json`.

    Raises:
        OutputError: there are no detections, or the files cannot be written.
    """
    models = detectors(results, "fiftyone")
    names = class_names(results, models)
    numbers = {name: number for number, name in enumerate(names)}
    with (
        (target / "labels.json").open("wb") as labels,
        (target / "data.json").open("wb") as data,
    ):
        labels.write(b'{"classes":' + msgspec.json.encode(names) + b',"labels":{')
        data.write(b"{")
        entries, files = JsonItems(labels), JsonItems(data)
        for image in annotated_images(results, models):
            key = image.stem
            entries.put(key, [_detection(one, numbers, image) for one in image.detections])
            files.put(key, str(_file_of(image)))
            place_media(image, target / "data" / image.name, options.media)
        labels.write(b"\n}}\n")
        data.write(b"\n}\n")
    if options.media != "none":
        (target / "data.json").unlink()


def _file_of(image: AnnotatedImage) -> Path | str:
    """The image's file; a frame of a video by the name that it is to have."""
    if image.frame is not None or isinstance(image.source.path, Url):
        return image.name
    return image.source.path


def _detection(one: Detection, numbers: dict[str, int], image: AnnotatedImage) -> dict[str, Any]:
    left, top, right, bottom = one.box.corners
    box = (left / image.width, top / image.height)
    size = ((right - left) / image.width, (bottom - top) / image.height)
    attributes = {} if one.track is None else {"index": one.track}
    return {
        "label": numbers[one.label.name],
        "bounding_box": [round(value, _DECIMALS) for value in (*box, *size)],
        "confidence": one.label.score,
        "attributes": attributes,
    }
