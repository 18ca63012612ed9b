"""COCO-format photos on disk: `NAME.json` beside `NAME.tar` or `NAME-1.tar`, `NAME-2.tar`..."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def load_index(data: Path, split: str) -> dict[str, Any]:
    """The COCO-format JSON of a split."""
    path = data / f"{split}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such split; --data must name the folder with {split}.json")
    index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return index


def read_tars(data: Path, split: str) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of every member of the split's tars (`NAME.tar` or `NAME-1.tar`...)."""
    tars = sorted([*data.glob(f"{split}.tar"), *data.glob(f"{split}-[0-9]*.tar")])
    if not tars:
        raise FileNotFoundError(f"{data}: no {split}.tar or {split}-1.tar")
    for path in tars:
        with tarfile.open(path) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield member.name, content.read()


def decode_photo(content: bytes, name: str) -> NDArray[np.uint8]:
    """Encoded bytes to uint8 RGB [height, width, 3]."""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"{name}: not a picture OpenCV can decode")
    return np.ascontiguousarray(pixels[:, :, ::-1]).astype(np.uint8, copy=False)
