"""YOLO: the layout that Ultralytics trains from, `data.yaml`, `images/` and `labels/`.

One text file per image; a line is a class number, then centre, width and height of a box, all as shares of
the image's width and height. With outlines the lines are polygons, with keypoints a box and its points:
https://docs.ultralytics.com/datasets/
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from mediaml.core.prediction import Detection
from mediaml.ledger.results import Results
from mediaml.ledger.shapes_kept import ShapesKept, shapes_kept
from mediaml.outputs.export.images import (
    AnnotatedImage,
    annotated_images,
    class_names,
    detectors,
    place_media,
    polygon_area,
)
from mediaml.outputs.export.options import ExportOptions

_DECIMALS = 6


def write_yolo(results: Results, target: Path, options: ExportOptions) -> None:
    """Write the data set into the folder `target`.

    Raises:
        OutputError: there are no detections, or the files cannot be written.
    """
    models = detectors(results, "yolo")
    names = class_names(results, models)
    numbers = {name: number for number, name in enumerate(names)}
    kept = shapes_kept(results, models)
    line = _line_of(kept)
    (target / "images").mkdir()
    for image in annotated_images(results, models):
        labels = target / "labels" / f"{image.stem}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{numbers[one.label.name]} {line(one, image)}\n" for one in image.detections]
        labels.write_text("".join(lines), encoding="ascii")
        place_media(image, target / "images" / image.name, options.media)
    (target / "data.yaml").write_text(_yaml(names, kept), encoding="utf-8")


def _yaml(names: list[str], kept: ShapesKept) -> str:
    """`data.yaml`; a JSON string is a YAML string."""
    points = f"kpt_shape: [{kept.keypoints}, 3]\n" if kept.keypoints else ""
    lines = [f"  {number}: {msgspec.json.encode(name).decode()}\n" for number, name in enumerate(names)]
    return f"train: images\nval: images\n{points}names:\n{''.join(lines) or '  {}'}"


def _line_of(kept: ShapesKept) -> Callable[[Detection, AnnotatedImage], str]:
    if kept.keypoints:
        return lambda one, image: f"{_box(one, image)} {_points(one, image, kept.keypoints)}"
    return _polygon if kept.outlines else _box


def _box(one: Detection, image: AnnotatedImage) -> str:
    left, top, right, bottom = one.box.corners
    centre = ((left + right) / 2, (top + bottom) / 2)
    return _shares([centre, (right - left, bottom - top)], image)


def _polygon(one: Detection, image: AnnotatedImage) -> str:
    """The largest polygon, as the format has one per object; the box's corners where there is none."""
    if not one.outline:
        left, top, right, bottom = one.box.corners
        return _shares([(left, top), (right, top), (right, bottom), (left, bottom)], image)
    return _shares(max(one.outline, key=lambda ring: polygon_area([ring])), image)


def _points(one: Detection, image: AnnotatedImage, count: int) -> str:
    seen = [
        f"{_shares([(point.x, point.y)], image)} 2" if point.score > 0 else "0 0 0" for point in one.keypoints
    ]
    return " ".join(seen + ["0 0 0"] * (count - len(seen)))


def _shares(
    places: list[tuple[float, float]] | tuple[tuple[float, float], ...], image: AnnotatedImage
) -> str:
    """Places as shares of the image, within 0..1 as the format wants them."""
    return " ".join(
        f"{min(1.0, max(0.0, value / size)):.{_DECIMALS}f}"
        for place in places
        for value, size in zip(place, (image.width, image.height), strict=True)
    )
