"""Photos and boxes out of `NAME.json` and `NAME*.tar`, decoded once and kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scripts.evaluation.photos import decode_photo, load_index, read_tars

# VOC2012 annotates 20 classes and ImageNet samples none: there, what is not annotated may still be present.
COMPLETE_SOURCES = ("coco_",)


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo and its annotated boxes.

    levels: uint8 RGB [height, width, 3], full size then half size (area average), for antialiased shrinking;
    boxes: float32 [n, 4] left, top, right, bottom in pixels of the full size; classes: int64 [n]; scores:
    float32 [n], 1 for a person's annotation; complete: every object of the 80 classes is annotated.
    """

    name: str
    levels: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    scores: NDArray[np.float32]
    complete: bool

    def with_boxes(
        self, boxes: NDArray[np.float32], classes: NDArray[np.int64], scores: NDArray[np.float32]
    ) -> "Photo":
        """The same photo with these boxes besides its own."""
        return replace(
            self,
            boxes=np.concatenate((self.boxes, boxes)).astype(np.float32),
            classes=np.concatenate((self.classes, classes)).astype(np.int64),
            scores=np.concatenate((self.scores, scores)).astype(np.float32),
        )


def halve(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Half the size by 2x2 area average; odd sizes lose their last row or column."""
    height, width = pixels.shape[:2]
    even = pixels[: height // 2 * 2, : width // 2 * 2]
    return np.asarray(cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def load_photos(data: Path, split: str) -> list[Photo]:
    """Every photo of a split, in the order of its JSON; crowd annotations are left out."""
    index = load_index(data, split)
    annotations: dict[int, list[dict[str, Any]]] = {}
    for annotation in index["annotations"]:
        if not annotation.get("iscrowd"):
            annotations.setdefault(annotation["image_id"], []).append(annotation)
    contents = dict(read_tars(data, split))
    photos = []
    for image in index["images"]:
        name = image["file_name"]
        pixels = decode_photo(contents[name], name)
        mine = annotations.get(image["id"], [])
        boxes = np.array([entry["bbox"] for entry in mine], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        photos.append(
            Photo(
                name,
                (pixels, halve(pixels)),
                boxes,
                np.array([entry["category_id"] for entry in mine], np.int64),
                np.ones(len(mine), np.float32),
                str(image.get("source", "")).startswith(COMPLETE_SOURCES),
            )
        )
    return photos


def hold_out(photos: Sequence[Photo], count: int, seed: int) -> tuple[list[Photo], list[Photo]]:
    """Photos to train on, and `count` fully annotated ones only to watch the training with."""
    complete = [number for number, photo in enumerate(photos) if photo.complete]
    watched = set(np.random.default_rng(seed).permutation(complete)[:count].tolist())
    kept = [photo for number, photo in enumerate(photos) if number not in watched]
    return kept, [photos[number] for number in sorted(watched)]
