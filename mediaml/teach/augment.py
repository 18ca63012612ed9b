"""Changed copies of pictures: mirrored, cropped, lighter or darker, noisy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.errors import MediaError, UsageError
from mediaml.core.media import Kind
from mediaml.core.suggestions import suggestion
from mediaml.media.reader import open_reader
from mediaml.media.write.still import write_still

Change = Literal["flip", "crop", "light", "noise"]
CHANGES: tuple[Change, ...] = get_args(Change)
_SIDE = 384
_LEAST_AREA = 0.6
_GAMMA, _GAIN, _NOISE = 0.35, 0.15, 9.0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How copies are changed.

    Attributes:
        changes: what may be done to a copy. copies: of each picture. seed: of all of it.
    """

    changes: tuple[Change, ...] = CHANGES
    copies: int = 2
    seed: int = 0


def parse_changes(text: str) -> tuple[Change, ...]:
    """`flip,light`, `all` or `none`.

    Raises:
        UsageError: one is not known.
    """
    if text in {"all", "none"}:
        return CHANGES if text == "all" else ()
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in CHANGES:
            hint = suggestion(name, CHANGES) or f"One of: {', '.join(CHANGES)}, all, none."
            raise UsageError(f"--augment {text}: there is no {name!r}.", hint)
    return tuple(one for one in CHANGES if one in names)


def write_copies(
    pictures: Sequence[Path], folder: Path, how: Augmentation, step: Callable[[float], None]
) -> dict[Path, Path]:
    """Write the copies that are not there yet.

    Args:
        pictures: absolute paths of images that can be decoded. folder: where copies go.
        step: called with the share that is done.

    Returns:
        The picture of each copy; a picture that cannot be read any more has none.

    Raises:
        MediaError: a copy cannot be written.
    """
    owners: dict[Path, Path] = {}
    for index, picture in enumerate(pictures):
        names = [folder / f"{_key(picture, how, number)}.jpg" for number in range(how.copies)]
        missing = [name for name in names if not name.is_file()]
        image = _decoded(picture) if missing else None
        for number, name in enumerate(names):
            if image is not None and name in missing:
                random = np.random.default_rng(int(name.stem, 16))
                write_still(changed(image, how.changes, random, number), name)
            if image is not None or not missing:
                owners[name] = picture
        step((index + 1) / len(pictures))
    return owners


def changed(
    image: UInt8Array, changes: Sequence[Change], random: np.random.Generator, number: int = 0
) -> UInt8Array:
    """A changed copy of an image: uint8 RGB [height, width, 3], of another size where it is cropped.

    Args:
        number: of the copy: every other one is mirrored.
    """
    if "crop" in changes:
        image = _cropped(image, random)
    if "flip" in changes and number % 2 == 0:
        image = image[:, ::-1]
    values: Float32Array = image.astype(np.float32)
    if "light" in changes:
        exponent = np.exp(random.uniform(-_GAMMA, _GAMMA))
        gains = 1 + random.uniform(-_GAIN, _GAIN, 3) * 0.5 + random.uniform(-_GAIN, _GAIN)
        values = np.asarray(255 * (values / 255) ** exponent * gains, dtype=np.float32)
    if "noise" in changes:
        noise = random.normal(0, random.uniform(0, _NOISE), values.shape)
        values = np.asarray(values + noise, dtype=np.float32)
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _cropped(image: UInt8Array, random: np.random.Generator) -> UInt8Array:
    height, width = image.shape[:2]
    area = random.uniform(_LEAST_AREA, 1.0)
    stretch = np.exp(random.uniform(-0.15, 0.15))
    rows = max(1, min(height, round(height * np.sqrt(area) * stretch)))
    columns = max(1, min(width, round(width * np.sqrt(area) / stretch)))
    top, left = random.integers(0, height - rows + 1), random.integers(0, width - columns + 1)
    return image[top : top + rows, left : left + columns]


def _key(picture: Path, how: Augmentation, number: int) -> str:
    """A name that is the same as long as the picture and the changes are."""
    status = picture.stat()
    parts = (picture, status.st_size, status.st_mtime_ns, how.changes, how.seed, number)
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _decoded(picture: Path) -> UInt8Array | None:
    try:
        with open_reader(picture, Kind.IMAGE) as reader:
            frame = next(reader.frames(), None)
            if frame is None:
                return None
            scale = min(1.0, _SIDE / max(frame.width, frame.height))
            size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
            return frame.fitted(*size, "stretch")
    except MediaError:
        return None
