"""Pascal VOC: one XML file per image in `Annotations/`, and the list of images in `ImageSets/Main/`.

Pixels count from 1, and a box includes its last row and column, as in the VOC development kit:
http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf. `labelmap.txt` declares the classes, as CVAT
and Datumaro want it for others than the 20 of VOC.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

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

_IMAGES = "JPEGImages"


def write_voc(results: Results, target: Path, options: ExportOptions) -> None:
    """Write the data set into the folder `target`.

    Raises:
        OutputError: there are no detections, or the files cannot be written.
    """
    models = detectors(results, "voc")
    colours = [f"{clean(name)}:::\n" for name in class_names(results, models)]
    (target / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\n" + "".join(colours), encoding="utf-8"
    )
    lists = target / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    with (lists / "trainval.txt").open("w", encoding="utf-8") as names:
        for image in annotated_images(results, models):
            names.write(f"{clean(image.stem)}\n")
            file = target / "Annotations" / f"{image.stem}.xml"
            file.parent.mkdir(parents=True, exist_ok=True)
            ET.ElementTree(_annotation(image)).write(file, encoding="utf-8")
            place_media(image, target / _IMAGES / image.name, options.media)


def _annotation(image: AnnotatedImage) -> ET.Element:
    root = ET.Element("annotation")
    add(root, "folder", _IMAGES)
    add(root, "filename", clean(image.name))
    add(ET.SubElement(root, "source"), "database", "mediaml")
    size = ET.SubElement(root, "size")
    for tag, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        add(size, tag, str(value))
    add(root, "segmented", "0")
    for detection in image.detections:
        _add_object(root, detection, image)
    return root


def _add_object(root: ET.Element, detection: Detection, image: AnnotatedImage) -> None:
    entry = ET.SubElement(root, "object")
    add(entry, "name", clean(detection.label.name))
    for tag, text in (("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
        add(entry, tag, text)
    left, top, right, bottom = map(round, detection.box.corners)
    first = (min(left + 1, image.width), min(top + 1, image.height))
    last = (max(right, first[0]), max(bottom, first[1]))
    box = ET.SubElement(entry, "bndbox")
    for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), (*first, *last), strict=True):
        add(box, tag, str(value))
