"""Sets of labelled files as users have them, a folder per class, made from the raw data."""

from __future__ import annotations

import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from scripts.evaluation.photos import load_index, read_tars

MOST = 100
SEED = 7
DOCUMENTS = ("art", "page", "plain_chart", "poster", "receipt_photo", "screenshot", "slide", "table")
MIXED = (
    "candlestick",
    "document_table_page",
    "infographic_chart",
    "math_diagram",
    "meme_template",
    "receipt",
)
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PHOTO_CLASSES = 9
_MAIN_SHARE = 0.2  # of the area of a photo, from which on an object is its main one

Files = Mapping[str, list[tuple[str, bytes]]]
"""Names and contents by class."""


def write_set(files: Files, folder: Path) -> int:
    """Write at most 100 files of each class, chosen by a seed; their number."""
    random, count = np.random.default_rng(SEED), 0
    for name in sorted(files):
        (folder / name).mkdir(parents=True)
        members = sorted(files[name])
        for index in random.permutation(len(members))[:MOST]:
            file, content = members[index]
            (folder / name / Path(file).name).write_bytes(content)
            count += 1
    return count


def sets_of(data: Path) -> Iterator[tuple[str, Files]]:
    """The sets by name: photos by their main object, two of documents, spoken digits."""
    yield "photos by their main object (COCO, VOC)", photos(data)
    yield "kinds of documents (financial2)", kinds(data / "financial2", DOCUMENTS)
    yield "memes, receipts, charts, figures (financial)", kinds(data / "financial", MIXED)
    yield "spoken digits (FSDD)", spoken(data)


def kinds(folder: Path, names: tuple[str, ...]) -> Files:
    """One class per tar."""
    return {name: list(_members(folder / f"{name}.tar")) for name in names}


def photos(data: Path) -> Files:
    """Photos of the nine classes that most often fill a fifth of one."""
    index = load_index(data / "detect", "train")
    names = {one["id"]: str(one["name"]) for one in index["categories"]}
    images = {one["id"]: one for one in index["images"]}
    largest: dict[int, tuple[float, str]] = {}
    for box in index["annotations"]:
        image = images[box["image_id"]]
        share = box["bbox"][2] * box["bbox"][3] / (image["width"] * image["height"])
        best = largest.get(box["image_id"], (0.0, ""))
        largest[box["image_id"]] = max(best, (share, names[box["category_id"]]))
    label = {
        Path(images[one]["file_name"]).name: name
        for one, (share, name) in largest.items()
        if share > _MAIN_SHARE
    }
    by_class = defaultdict(list)
    for name, content in read_tars(data / "detect", "train"):
        if Path(name).name in label:
            by_class[label[Path(name).name]].append((name, content))
    common = sorted(by_class, key=lambda name: -len(by_class[name]))[:_PHOTO_CLASSES]
    return {name: by_class[name] for name in common}


def spoken(data: Path) -> Files:
    """Recordings of digits."""
    by_class = defaultdict(list)
    for name, content in _members(data / "spoken_digits" / "fsdd.tar.xz"):
        if name.endswith(".wav"):
            by_class[DIGITS[int(Path(name).name[0])]].append((name, content))
    return by_class


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content.read()
