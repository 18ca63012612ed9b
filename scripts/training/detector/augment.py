"""Strong geometric augmentation as a plan (numbers only), and its rendering from photos in memory.

A sample is one or four tiles (mosaic); a tile is a scaled, shifted and maybe mirrored photo in a rectangle of
the sample. Everything is axis-aligned, so boxes stay tight.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scripts.training.detector.data import Photo

FILL = 114  # the grey of darknet's letterbox, rounded as the YOLO family does


@dataclass(frozen=True, slots=True)
class Tile:
    """Photo pixels (continuous) go to sample pixels as X = scale_x * x + shift_x, clipped to `area`.

    area: left, top, right, bottom, whole sample pixels. scale_x is negative where the photo is mirrored.
    """

    photo: int
    scale_x: float
    scale_y: float
    shift_x: float
    shift_y: float
    area: tuple[int, int, int, int]


Sample = tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How samples are drawn.

    reference: the size in pixels that the whole photo fills at zoom 1 (the net's default size), whatever the
    sample's size: small samples are crops at about the same pixel density. A zoom is log-uniform from
    `least` (or `mosaic_least` for a tile) times the zoom at which a photo fills the sample, so that little
    of it is padding, to `most`. stretch: share of photos fitted to the square, the rest keep their aspect
    but for +-`jitter`.
    """

    reference: int = 320
    least: float = 0.85
    most: float = 1.6
    mosaic: float = 0.3
    mosaic_least: float = 0.45
    stretch: float = 0.65
    jitter: float = 0.2


def draw_chances(photos: Sequence[Photo], often: float = 0.05) -> NDArray[np.float64]:
    """Cumulated chances [photos] that favour photos with rare classes, else person fills every batch.

    Repeat-factor sampling (Gupta et al., LVIS, 2019): a photo counts sqrt(often / share of photos with its
    rarest class) times, at least once.
    """
    present = np.zeros((len(photos), 80), bool)
    for number, photo in enumerate(photos):
        present[number, photo.classes] = True
    factor = np.sqrt(often / np.maximum(present.mean(0), 1.0 / len(photos)))
    repeats = np.where(present, factor, 0.0).max(1).clip(1.0)
    return np.asarray(np.cumsum(repeats) / repeats.sum(), np.float64)


def plan_tile(
    rng: np.random.Generator,
    photos: Sequence[Photo],
    chances: NDArray[np.float64],
    area: tuple[int, int, int, int],
    zoom: float,
    recipe: Recipe,
) -> Tile:
    """A random photo at this zoom, somewhere over `area`."""
    number = min(int(np.searchsorted(chances, rng.random())), len(photos) - 1)
    height, width = photos[number].levels[0].shape[:2]
    side_x, side_y = (width, height) if rng.random() < recipe.stretch else (max(width, height),) * 2
    aspect = float(np.exp(rng.uniform(-recipe.jitter, recipe.jitter)))
    scale_x, scale_y = zoom * recipe.reference / side_x * aspect, zoom * recipe.reference / side_y / aspect
    left, top, right, bottom = area
    # Slack is negative where the photo is larger than the area (a crop), positive where it is smaller.
    shift_x = left + rng.random() * (right - left - scale_x * width)
    shift_y = top + rng.random() * (bottom - top - scale_y * height)
    if rng.random() < 0.5:
        shift_x, scale_x = shift_x + scale_x * width, -scale_x
    return Tile(number, scale_x, scale_y, shift_x, shift_y, area)


def plan_sample(
    rng: np.random.Generator, photos: Sequence[Photo], chances: NDArray[np.float64], size: int, recipe: Recipe
) -> Sample:
    """One sample of size x size pixels, photos drawn by `draw_chances`' answer."""

    def zoom(least: float, most: float) -> float:
        return float(np.exp(rng.uniform(np.log(least * size / recipe.reference), np.log(most))))

    if rng.random() >= recipe.mosaic:
        return (plan_tile(rng, photos, chances, (0, 0, size, size), zoom(recipe.least, recipe.most), recipe),)
    x, y = (int(value) for value in rng.uniform(0.3 * size, 0.7 * size, 2))
    areas = ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size))
    share = size / recipe.reference
    return tuple(
        plan_tile(rng, photos, chances, area, zoom(recipe.mosaic_least, share), recipe) for area in areas
    )


def is_small(tile: Tile) -> bool:
    """Whether the photo's half-size level is the better source: less aliasing than shrinking the full one."""
    return max(abs(tile.scale_x), abs(tile.scale_y)) < 0.7


def render(photos: Sequence[Photo], sample: Sample, size: int) -> NDArray[np.uint8]:
    """uint8 RGB [size, size, 3]."""
    canvas = np.full((size, size, 3), FILL, np.uint8)
    for tile in sample:
        left, top, right, bottom = tile.area
        small = is_small(tile)
        factor = 2.0 if small else 1.0
        a, d = tile.scale_x * factor, tile.scale_y * factor
        # warpAffine puts pixel centres at whole numbers, boxes at halves.
        matrix = np.array(
            [
                [a, 0, a / 2 + tile.shift_x - left - 0.5],
                [0, d, d / 2 + tile.shift_y - top - 0.5],
            ]
        )
        cv2.warpAffine(
            photos[tile.photo].levels[1 if small else 0],
            matrix,
            (right - left, bottom - top),
            dst=canvas[top:bottom, left:right],
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(FILL, FILL, FILL),
        )
    return canvas


def render_batch(
    photos: Sequence[Photo], samples: Sequence[Sample], size: int, pool: ThreadPoolExecutor
) -> NDArray[np.uint8]:
    """uint8 RGB [batch, size, size, 3]; OpenCV frees the interpreter, so threads help."""
    return np.stack(list(pool.map(lambda sample: render(photos, sample, size), samples)))


def place_boxes(
    photos: Sequence[Photo], samples: Sequence[Sample], visible: float = 0.35, smallest: float = 4.0
) -> NDArray[np.float32]:
    """[n, 7]: sample, class, left, top, right, bottom in sample pixels, score.

    Boxes are clipped to their tile; left out where less than `visible` of their area or a side under
    `smallest` pixels is left (there the teacher's answer stands).
    """
    rows = [np.zeros((0, 7), np.float32)]
    for number, sample in enumerate(samples):
        for tile in sample:
            photo = photos[tile.photo]
            if not len(photo.boxes):
                continue
            x = np.sort(photo.boxes[:, 0::2] * tile.scale_x + tile.shift_x, axis=1)
            y = photo.boxes[:, 1::2] * tile.scale_y + tile.shift_y
            area = (x[:, 1] - x[:, 0]) * (y[:, 1] - y[:, 0])
            left, top, right, bottom = tile.area
            x, y = np.clip(x, left, right), np.clip(y, top, bottom)
            width, height = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]
            keep = (width * height > visible * area) & (np.minimum(width, height) >= smallest)
            columns = (photo.classes, x[:, 0], y[:, 0], x[:, 1], y[:, 1], photo.scores)
            rows.append(np.stack([np.full(len(x), number), *columns], 1)[keep].astype(np.float32))
    return np.concatenate(rows)
