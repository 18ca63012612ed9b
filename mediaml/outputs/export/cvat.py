"""CVAT 1.1: `images.xml` (CVAT for images) for images, and one file per video (CVAT for video).

https://docs.cvat.ai/docs/manual/advanced/xml_format/. A detection with a track belongs to that track; one
without is a track of one frame, as CVAT itself writes single shapes of a video.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, groupby
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

from mediaml.core.media import Kind
from mediaml.core.prediction import Detection
from mediaml.ledger.results import Results
from mediaml.outputs.export.images import (
    AnnotatedImage,
    annotated_images,
    class_names,
    detectors,
    place_media,
)
from mediaml.outputs.export.options import ExportOptions
from mediaml.outputs.export.xml import add, clean

_Seen = tuple[int, Detection]
"""Number of a frame, and what was detected there."""


def write_cvat(results: Results, target: Path, options: ExportOptions) -> None:
    """Write the files into the folder `target`; memory is that of the tracks of one video.

    Raises:
        OutputError: there are no detections, or the files cannot be written.
    """
    models = detectors(results, "cvat")
    names = class_names(results, models)
    images = target / "images.xml"
    with images.open("wb") as file:
        numbers = count()
        _begin(file, names, "annotation", None)
        for source, group in groupby(annotated_images(results, models), lambda image: image.source):
            if source.kind is Kind.IMAGE:
                for image in group:
                    _write(file, _image(next(numbers), image))
                    place_media(image, target / "images" / image.name, options.media)
            elif source.info is not None:
                size = (source.info.width or 0, source.info.height or 0)
                _write_video(target / f"{source.name}.xml", names, size, group)
        _end(file)
    if next(numbers) == 0:
        images.unlink()


def _write(file: IO[bytes], element: ET.Element) -> None:
    file.write(ET.tostring(element, encoding="utf-8", xml_declaration=False) + b"\n")


def _begin(file: IO[bytes], names: Sequence[str], mode: str, size: tuple[int, int] | None) -> None:
    task = ET.Element("task")
    add(task, "mode", mode)
    labels = ET.SubElement(task, "labels")
    for name in names:
        add(ET.SubElement(labels, "label"), "name", clean(name))
    if size is not None:
        original = ET.SubElement(task, "original_size")
        add(original, "width", str(size[0]))
        add(original, "height", str(size[1]))
    meta = ET.Element("meta")
    meta.append(task)
    file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
    _write(file, meta)


def _end(file: IO[bytes]) -> None:
    file.write(b"</annotations>\n")


def _image(number: int, image: AnnotatedImage) -> ET.Element:
    sizes = {"width": str(image.width), "height": str(image.height)}
    element = ET.Element("image", {"id": str(number), "name": clean(image.name), **sizes})
    for one in image.detections:
        _add_shapes(element, one, {"label": clean(one.label.name), "source": "auto", "occluded": "0"})
    return element


def _add_shapes(parent: ET.Element, one: Detection, shared: dict[str, str]) -> None:
    """The outline's polygons where there is an outline, else the box."""
    for ring in one.outline:
        points = ";".join(f"{x:.2f},{y:.2f}" for x, y in ring)
        ET.SubElement(parent, "polygon", {**shared, "points": points, "z_order": "0"})
    if not one.outline:
        edges = zip(("xtl", "ytl", "xbr", "ybr"), one.box.corners, strict=True)
        ET.SubElement(parent, "box", {**shared, **{n: f"{v:.2f}" for n, v in edges}, "z_order": "0"})


def _write_video(
    path: Path, names: Sequence[str], size: tuple[int, int], images: Iterable[AnnotatedImage]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tracks: dict[tuple[str, int], list[_Seen]] = {}
    numbers = count()
    with path.open("wb") as file:
        _begin(file, names, "interpolation", size)
        end = 0
        for image, is_last in _with_last(images):
            frame = image.frame or 0
            end = frame + 1 if is_last else frame + 2
            for one in image.detections:
                if one.track is None:
                    _write(file, _track(next(numbers), [(frame, one)], end))
                else:
                    tracks.setdefault((one.label.name, one.track), []).append((frame, one))
        for track in tracks.values():
            _write(file, _track(next(numbers), track, end))
        _end(file)


def _with_last(images: Iterable[AnnotatedImage]) -> Iterator[tuple[AnnotatedImage, bool]]:
    """Each image, and whether it is the last one."""
    rest = iter(images)
    before = next(rest, None)
    for image in rest:
        if before is not None:
            yield before, False
        before = image
    if before is not None:
        yield before, True


def _track(number: int, seen: Sequence[_Seen], end: int) -> ET.Element:
    """A track: a keyframe wherever it was seen; after each it is outside until it is seen again.

    Args:
        end: the number of the first frame that does not exist.
    """
    label = clean(seen[0][1].label.name)
    track = ET.Element("track", {"id": str(number), "label": label, "source": "auto"})
    for frame, one, outside in _with_ends(seen, end):
        shared = {"frame": str(frame), "outside": str(int(outside)), "occluded": "0", "keyframe": "1"}
        _add_box(track, one, shared)
    return track


def _with_ends(seen: Sequence[_Seen], end: int) -> Iterator[tuple[int, Detection, bool]]:
    following = [frame for frame, _ in seen[1:]]
    for (frame, one), after in zip(seen, [*following, None], strict=True):
        yield frame, one, False
        if after != frame + 1 < end:
            yield frame + 1, one, True


def _add_box(track: ET.Element, one: Detection, shared: dict[str, str]) -> None:
    edges = zip(("xtl", "ytl", "xbr", "ybr"), one.box.corners, strict=True)
    ET.SubElement(track, "box", {**shared, **{n: f"{v:.2f}" for n, v in edges}, "z_order": "0"})
