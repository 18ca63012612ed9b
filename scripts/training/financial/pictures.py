"""The labelled pictures and the ordinary photos, read out of their tars, each with its source."""

import csv
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from scripts.training.financial.canvas import Picture

SIDE = 208
# Every labelled source; each is left out once.
SOURCES = (
    "candlestick",
    "chart_d3_synthetic",
    "chart_web",
    "document_table_page",
    "infographic_chart",
    "math_diagram",
    "meme_template",
    "receipt",
)
# Close-ups are cut from the training photos: objects and surfaces, as single-object photos show them.
CLOSE_UP = "photo_close_up"
PHOTO_TRAIN, PHOTO_VAL, PHOTO_UNSEEN = "photo_train", "photo_val", "photo_imagenet"
PHOTO_TARS = {"train-1": PHOTO_TRAIN, "train-2": PHOTO_TRAIN, "val": PHOTO_VAL, "unlabelled": PHOTO_UNSEEN}


@dataclass(frozen=True, slots=True)
class Item:
    """A picture stretched to `SIDE` x `SIDE` uint8 RGB; label 1 financial, 0 ordinary; its source."""

    label: int
    source: str
    picture: Picture


def decoded_rgb(data: bytes) -> Picture:
    """A coded picture, uint8 RGB.

    Raises:
        ValueError: it is no picture.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("not a picture")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def stretched(picture: Picture) -> Picture:
    """uint8 RGB of any size to `SIDE` x `SIDE`, antialiased."""
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def close_up(rng: np.random.Generator, picture: Picture) -> Picture:
    """A random part of a photo, a quarter to two thirds of each side."""
    height, width = (int(side * rng.uniform(0.25, 0.67)) for side in picture.shape[:2])
    top, left = (int(rng.integers(a - b + 1)) for a, b in zip(picture.shape, (height, width), strict=False))
    return picture[top : top + height, left : left + width]


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of every file in a tar, in its order."""
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                yield Path(member.name).name, file.read()


def labelled_files(data: Path) -> Iterator[tuple[str, int, list[bytes]]]:
    """Source, label and coded pictures, tar by tar, as `financial/index.tsv` has them.

    The source of a picture is its `kind`: each kind comes from one origin and each origin made one kind.
    """
    folder = data / "financial"
    with io.StringIO((folder / "index.tsv").read_text(encoding="utf-8")) as file:
        rows = {row["file"]: row for row in csv.DictReader(file, delimiter="\t")}
    for path in sorted(folder.glob("*.tar")):
        files = [(rows[name], content) for name, content in members(path)]
        for source, label in sorted({(row["kind"], int(row["label"])) for row, _ in files}):
            mine = [content for row, content in files if (row["kind"], int(row["label"])) == (source, label)]
            yield source, label, mine


def photo_files(data: Path, sources: Sequence[str]) -> Iterator[tuple[str, int, list[bytes]]]:
    """Source, label 0 and coded photos; `val` and `unlabelled` (ImageNet) are never trained on."""
    for tar, source in PHOTO_TARS.items():
        if source in sources:
            yield source, 0, [content for _, content in members(data / "detect" / f"{tar}.tar")]


def _photos(data: Path) -> Iterator[Item]:
    """Every training photo as a whole, and a part of it."""
    rng = np.random.default_rng(0)
    for _, label, contents in photo_files(data, (PHOTO_TRAIN,)):
        for content in contents:
            picture = decoded_rgb(content)
            yield Item(label, PHOTO_TRAIN, stretched(picture))
            yield Item(label, CLOSE_UP, stretched(close_up(rng, picture)))


def load_items(data: Path, cache: Path) -> list[Item]:
    """All pictures that may be trained on, from the cache file if there is one; it is written otherwise."""
    if not cache.is_file():
        labelled = [
            Item(label, source, stretched(decoded_rgb(content)))
            for source, label, contents in labelled_files(data)
            for content in contents
        ]
        items = [*labelled, *_photos(data)]
        part = cache.with_suffix(".part.npz")
        np.savez(
            part,
            labels=np.array([item.label for item in items]),
            sources=np.array([item.source for item in items]),
            pictures=np.stack([item.picture for item in items]),
        )
        part.replace(cache)
    with np.load(cache) as file:
        columns = (file["labels"], file["sources"], file["pictures"])
    return [Item(int(label), str(source), picture) for label, source, picture in zip(*columns, strict=True)]
