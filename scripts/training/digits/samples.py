"""Samples beside MNIST: photographed digits, printed digits, and everything that is not a digit.

All of them pass through the plugin's own normalisation, so that the net learns what it will be shown.
Rendered once by seed and cached; targets are float32 [n, 11], the last column is `not a digit`.
"""

from __future__ import annotations

import io
import itertools
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mediaml_digits.normalise import mnist_like, normalise
from mediaml_digits.page import candidates_of
from scripts.training.digits import glyphs, scenes
from scripts.training.digits.mnist import Digits

CLASSES = 11
OTHER = 10
COUNTS = {"photographed": 9_000, "printed": 6_000, "letters": 14_000, "numbers": 2_500, "scribbles": 3_000}
BARE, PATCHES_A_PHOTO, PAGES = 1_500, 3, 200
Sample = tuple[NDArray[np.uint8], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Samples:
    """images uint8 [n, 28, 28] and targets float32 [n, 11], each row summing to one."""

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)


def one_hot(label: int, other: float = 0.0) -> NDArray[np.float32]:
    """A target: all on `label`, but for a share on `not a digit`."""
    target = np.zeros(CLASSES, np.float32)
    target[label] += 1 - other
    target[OTHER] += other
    return target


def boxed(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rendered ink (0..1) straight to 28x28, where no camera is in between."""
    return mnist_like(ink * 255, ink > 0.2)


def photographed(digits: Digits, random: np.random.Generator) -> Sample:
    """A digit of MNIST, photographed at any size, and normalised."""
    pick = int(random.integers(len(digits)))
    thing = digits.images[pick].astype(np.float32) / 255
    image = normalise(scenes.photograph(scenes.placed(thing, random), random))
    # What the camera lost entirely is no digit any more.
    return image, one_hot(int(digits.labels[pick]) if image.any() else OTHER)


def printed(digits: Digits, random: np.random.Generator) -> Sample:
    """A digit in one of the training fonts."""
    label = int(random.integers(10))
    ink = glyphs.printed(str(label), str(random.choice(glyphs.TRAIN_FONTS)))
    return boxed(scenes.pen(ink, random)), one_hot(label)


def letters(digits: Digits, random: np.random.Generator) -> Sample:
    """A letter or sign: printed, or written by a trembling hand; letters without a truth are left out."""
    if random.random() < 0.5:
        letter = str(random.choice(list(glyphs.STROKES)))
        return boxed(glyphs.written(letter, random)), target_of(letter)
    letter = "O"
    while letter in glyphs.TWINS:
        letter = str(random.choice(list(glyphs.LETTERS + glyphs.LETTERS + glyphs.SIGNS)))
    ink = glyphs.printed(letter, str(random.choice(glyphs.TRAIN_FONTS)))
    return boxed(scenes.pen(ink, random)), target_of(letter)


def target_of(letter: str) -> NDArray[np.float32]:
    """`not a digit`, or half of it for a letter that looks like one."""
    return one_hot(glyphs.LOOKALIKES.get(letter, OTHER), 0.5)


def numbers(digits: Digits, random: np.random.Generator) -> Sample:
    """Two or three digits side by side, which are a number and not a digit."""
    many = 2 if random.random() < 0.8 else 3
    picks = random.integers(len(digits), size=many)
    row = np.hstack(
        [np.pad(digits.images[pick][:, 4:24], ((4, 4), (0, int(random.integers(3))))) for pick in picks]
    )
    return boxed(row.astype(np.float32) / np.float32(255)), one_hot(OTHER)


def scribbles(digits: Digits, random: np.random.Generator) -> Sample:
    """Random strokes and shapes."""
    return boxed(glyphs.scribble(random)), one_hot(OTHER)


def photos(archive: Path) -> Iterator[NDArray[np.uint8]]:
    """The photos of a tar, uint8 RGB [H, W, 3], in the archive's order."""
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is not None and member.name.lower().endswith((".jpg", ".jpeg", ".png")):
                packed = np.frombuffer(io.BytesIO(stream.read()).getbuffer(), np.uint8)
                yield np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def patch_of(photo: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """A window of a photo, 20 pixels to all of it."""
    height, width = photo.shape[:2]
    side = int(np.exp(random.uniform(np.log(20), np.log(max(height, width)))))
    high, wide = min(height, side), min(width, int(side * random.uniform(0.6, 1.4)) + 1)
    top, left = random.integers(0, height - high + 1), random.integers(0, width - wide + 1)
    return photo[top : top + high, left : left + wide]


def bar(image: NDArray[np.uint8]) -> bool:
    """Whether nothing is seen but one straight stroke, upright or aslant, which may as well be a written 1.

    Its ink lies within 1.8 pixels (standard deviation) of a line that is steeper than 30 degrees.
    """
    mass = image / max(float(image.sum()), 1.0)
    y, x = np.mgrid[:28, :28]
    middle_x, middle_y = float((mass * x).sum()), float((mass * y).sum())
    spread_x, spread_y = float((mass * (x - middle_x) ** 2).sum()), float((mass * (y - middle_y) ** 2).sum())
    both = float((mass * (x - middle_x) * (y - middle_y)).sum())
    (thin, _), axes = np.linalg.eigh(np.array([[spread_x, both], [both, spread_y]]))
    steep = abs(float(axes[1, 1])) > 0.5
    return bool(image.any() and thin < 1.8**2 and steep)


def photo_samples(archives: list[Path], random: np.random.Generator, patches: int) -> list[Sample]:
    """Windows of photos and whole photos, normalised: none of them a digit; lone bars are left out."""
    found = []
    for archive in archives:
        for photo in tqdm(photos(archive), desc=archive.name):
            views = [patch_of(photo, random) for _ in range(patches - 1)] + [photo]
            seen = [normalise(view) for view in views]
            found += [(image, one_hot(OTHER)) for image in seen if not bar(image)]
    return found


def piece_samples(archive: Path, seed: int, many: int = PAGES, a_page: int = 40) -> list[Sample]:
    """What `find` would look at on photos: up to `a_page` candidates of each, none of them a digit."""
    random = np.random.default_rng([seed, 1])
    found: list[Sample] = []
    for photo in tqdm(itertools.islice(photos(archive), many), desc="pieces", total=many):
        pictures = candidates_of(photo).pictures
        picks = random.permutation(len(pictures))[:a_page]
        found += [(pictures[pick], one_hot(OTHER)) for pick in picks if not bar(pictures[pick])]
    return found


def draw(digits: Digits, data: Path, seed: int) -> dict[str, Samples]:
    """All samples beside MNIST itself, by group: `digits` (photographed, printed) and `others`."""
    random = np.random.default_rng(seed)
    makers: dict[str, Callable[[Digits, np.random.Generator], Sample]] = {
        "photographed": photographed, "printed": printed, "letters": letters,
        "numbers": numbers, "scribbles": scribbles,
    }  # fmt: skip
    drawn = {
        name: [make(digits, random) for _ in tqdm(range(COUNTS[name]), desc=name)]
        for name, make in makers.items()
    }
    archives = sorted((data / "detect").glob("train-*.tar"))
    drawn["photos"] = photo_samples(archives, random, PATCHES_A_PHOTO)
    drawn["pieces"] = piece_samples(archives[-1], seed)
    drawn["bare"] = [(normalise(scenes.bare(random)), one_hot(OTHER)) for _ in range(BARE)]
    return {
        name: Samples(np.stack([s[0] for s in rows]), np.stack([s[1] for s in rows]))
        for name, rows in drawn.items()
    }


def cached(path: Path, make: Callable[[], dict[str, Samples]]) -> dict[str, Samples]:
    """What `make` draws, kept in one npz file from the first call on."""
    if not path.exists():
        groups = make()
        arrays = {
            f"{name}.{part}": getattr(group, part)
            for name, group in groups.items()
            for part in ("images", "targets")
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with (partial := path.with_suffix(".part")).open("wb") as file:
            np.savez_compressed(file, **arrays)
        partial.replace(path)
    with np.load(path) as kept:
        names = dict.fromkeys(name.split(".")[0] for name in kept.files)
        return {name: Samples(kept[f"{name}.images"], kept[f"{name}.targets"]) for name in names}
