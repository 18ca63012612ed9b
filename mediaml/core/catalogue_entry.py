"""The records of a model catalogue: the files a model is made of, their URLs and checksums."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from mediaml.core.errors import require

Recipe = Literal["onnx", "darknet", "folder"]
"""How a plugin opens the files: the first file, a model imported from cfg and weights, or the folder."""

_NAME = r"[a-z0-9][a-z0-9._-]*"
_FILE = r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*"


def is_model_name(text: str) -> bool:
    """Whether `text` may be the name of a catalogue entry: lower-case letters, digits, `.`, `_` and `-`."""
    return re.fullmatch(_NAME, text) is not None


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """One file of a model.

    Attributes:
        name: its path in the model's folder, `/` between the parts; never absolute, never with `..`.
        urls: where it is fetched, best first; http or https.
        sha256: 64 lower-case hexadecimal digits; empty where none is known.
        size: bytes; `None` where it is not known.
        certainty: how reliable URL, checksum and size are, as text.

    Raises:
        ValueError: when any of that does not hold.
    """

    name: str
    urls: tuple[str, ...] = ()
    sha256: str = ""
    size: int | None = None
    certainty: str = ""

    def __post_init__(self) -> None:
        require(
            re.fullmatch(_FILE, self.name) is not None,
            f"{self.name!r} is not a valid name for a file of a model",
        )
        for url in self.urls:
            require(url.startswith(("https://", "http://")), f"{url!r} is neither http nor https")
        require(re.fullmatch("([0-9a-f]{64})?", self.sha256) is not None, f"{self.sha256!r} is not a sha256")
        require(self.size is None or self.size > 0, f"{self.name} cannot have {self.size} bytes")

    @property
    def base(self) -> str:
        """The name without folders."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model that is downloaded when it is first used.

    Attributes:
        name: what the user types after `-m` and after `mediaml models pull`.
        title: what it is, in one line.
        licence: of the weights.
        files: what it is made of.
        recipe: `onnx` (the first file is the model, others are beside it), `darknet` (a `.cfg` and a
            `.weights`, imported after the download) or `folder` (the plugin gets the folder).
        plugin: the model that can use it, as typed after `--plugin`; empty where none can yet.
        labels: its classes in order, or the name of a set: `coco80`, the 80 classes of COCO.
        masks: of a `darknet` entry, which anchors each `[yolo]` head uses, where the weights were trained
            with others than the cfg says; empty where the cfg is right.

    Raises:
        ValueError: when any of that does not hold.
    """

    name: str
    title: str
    licence: str
    files: tuple[CatalogueFile, ...]
    recipe: Recipe = "onnx"
    plugin: str = ""
    labels: tuple[str, ...] | Literal["coco80"] = ()
    masks: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        require(
            is_model_name(self.name), f"a model's name is lower-case letters and digits, not {self.name!r}"
        )
        require(bool(self.files), f"{self.name} has no files")
        names = [file.name for file in self.files]
        require(len(set(names)) == len(names), f"{self.name} names a file twice")
        require(self.recipe in get_args(Recipe), f"recipe must be one of {get_args(Recipe)}")
        require(
            not self.masks or self.recipe == "darknet", f"{self.name} has masks but is not a Darknet model"
        )
        if self.recipe == "darknet":
            for ending in (".cfg", ".weights"):
                found = sum(name.endswith(ending) for name in names)
                require(found == 1, f"{self.name} needs one {ending} file, not {found}")
        if self.recipe == "onnx":
            require(names[0].endswith(".onnx"), f"the first file of {self.name} must be the .onnx file")

    @property
    def size(self) -> int | None:
        """Bytes of all files; `None` where one of them is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def without_checksum(self) -> tuple[CatalogueFile, ...]:
        """The files without a checksum, which are loaded only after `models pull --trust`."""
        return tuple(file for file in self.files if not file.sha256)
