"""Where the class names of a darknet network come from: cfg and weights hold none."""

from __future__ import annotations

from pathlib import Path

from mediaml.core.errors import ModelError
from mediaml.darknet.text import read_text
from mediaml.onnx.coco import COCO_NAMES


def class_names(cfg: Path, classes: int, names: Path | None) -> tuple[tuple[str, ...], str]:
    """The names of a network's classes and where they were found.

    Looked for in this order: the file that is named; a file beside the cfg that has the cfg's name with the
    ending `.names`; `coco.names` beside the cfg; COCO's 80 names for 80 classes; `class 0`, `class 1`, ... A
    file that was not named counts only if it has as many names as there are classes.

    Returns:
        The names, and their origin for a person to read.

    Raises:
        ModelError: the named file cannot be read or does not have `classes` names.
    """
    if names is not None:
        found = read_names(names)
        if len(found) != classes:
            raise ModelError(
                f"{names} has {len(found)} names, the network {classes} classes",
                "Name the file that belongs to this network, one class per line.",
            )
        return found, str(names)
    for candidate in (cfg.with_suffix(".names"), cfg.with_name("coco.names")):
        if candidate.is_file():
            found = read_names(candidate)
            if len(found) == classes:
                return found, str(candidate)
    if classes == len(COCO_NAMES):
        return COCO_NAMES, "COCO's 80 classes, because there are 80"
    return tuple(f"class {index}" for index in range(classes)), "numbered, because no names file fits"


def read_names(path: Path) -> tuple[str, ...]:
    """The lines of a names file without the empty ones; raises `ModelError` where it cannot be read."""
    text = read_text(path, "names file", "Name a text file with one class per line.")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
