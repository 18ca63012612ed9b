"""Chooses the colours of `mediaml/ops/palette.py`: `python -m scripts.palette` prints its table.

Every pair of classes is given a distance (CIEDE2000) that its colours should have: a small one for any two of
them, a larger one for two that are often seen together, for eyes without red, green or blue cones too.
Simulated annealing with a fixed seed then looks for 80 colours that come nearest to that.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mediaml.onnx.coco import COCO_NAMES

Array = NDArray[np.float64]

# Classes that are often seen together; `person` goes with every class.
SCENES: tuple[str, ...] = (
    "car, bus, truck, motorbike, bicycle, train, traffic light, stop sign, fire hydrant, parking meter, dog",
    "aeroplane, bird, kite, boat, truck, car, bus",
    "boat, surfboard, bird, dog, bench, umbrella, kite",
    "cat, dog, bird, horse, sheep, cow, teddy bear, sofa, bed, chair",
    "elephant, bear, zebra, giraffe, bird, horse, cow, sheep",
    "backpack, umbrella, handbag, tie, suitcase, cell phone, book, bench, bicycle",
    "frisbee, dog, sports ball, kite, bench, skateboard, bicycle, car",
    "skis, snowboard, backpack, surfboard, skateboard",
    "baseball bat, baseball glove, sports ball, tennis racket, bench, chair, bottle",
    "bottle, wine glass, cup, fork, knife, spoon, bowl, diningtable, chair, pizza, cake, sandwich",
    "banana, apple, orange, broccoli, carrot, bowl, knife, diningtable, cup, spoon",
    "sandwich, hot dog, pizza, donut, cake, cup, fork, knife, diningtable, bottle, bowl, broccoli, carrot",
    "chair, sofa, pottedplant, bed, diningtable, tvmonitor, book, clock, vase, remote, laptop, cup, bottle",
    "tvmonitor, laptop, mouse, keyboard, cell phone, remote, book, cup, chair, clock, cat",
    "microwave, oven, toaster, sink, refrigerator, bottle, bowl, cup, knife, spoon, clock, pottedplant",
    "toilet, sink, toothbrush, hair drier, scissors, bottle, cup, vase, teddy bear",
    "scissors, book, vase, clock, pottedplant, bottle, cell phone",
)
# The classes that most images show get the most vivid colours, and those furthest from one another.
VIVID = frozenset({"person", "car", "bus", "truck", "bicycle", "motorbike", "dog", "cat", "chair", "bottle"})
# CIEDE2000 to aim at: for any two classes, two seen together, two of VIVID; then to colour-blind eyes.
ANY, TOGETHER, AMONG_VIVID = 12.0, 26.0, 38.0
COLOR_BLIND, COLOR_BLIND_VIVID = 13.0, 22.0
# What people know by now.
FIXED = {"person": (0xEE, 0x22, 0x88)}
STEPS, SEED = 2_000_000, 20

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# 2009: severity 1.0, on linear RGB.
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
TRITANOPIA = np.array(
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
)
COLOR_BLIND_EYES = (PROTANOPIA, DEUTERANOPIA, TRITANOPIA)


def linear_rgb(colors: Array) -> Array:
    """sRGB 0..255 [..., 3] as linear RGB 0..1 (IEC 61966-2-1)."""
    values = colors / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab_of(linear: Array) -> Array:
    """CIELAB of linear sRGB [..., 3], white D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = linear.clip(0, 1) @ to_xyz.T / to_xyz.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(one: Array, other: Array) -> Array:
    """The colour difference of CIELAB colours [..., 3] (ISO/CIE 11664-6; Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0)
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1 = np.degrees(np.arctan2(b1, stretch * a1)) % 360
    h2 = np.degrees(np.arctan2(b2, stretch * a2)) % 360
    turn = np.where(c1 * c2 == 0, 0.0, (h2 - h1 + 180) % 360 - 180)
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    hue = np.where(c1 * c2 == 0, h1 + h2, (h1 + turn / 2) % 360)
    t = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    by_lightness = (l2 - l1) / (1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2))
    by_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    by_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    bend = 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    rotation = -bend * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    total = by_lightness**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue
    return np.asarray(np.sqrt(np.maximum(total, 0)), dtype=np.float64)


def differences(colors: Array, eyes: Array | None = None) -> Array:
    """CIEDE2000 between all pairs of sRGB colours [n, 3] 0..255, to eyes that a matrix describes: [n, n]."""
    linear = linear_rgb(colors)
    lab = lab_of(linear if eyes is None else linear @ eyes.T)
    return np.stack([ciede2000(row, lab) for row in lab])


def color_blind_differences(colors: Array) -> Array:
    """As `differences`, to the eyes among `COLOR_BLIND_EYES` that see each pair as most alike."""
    return np.asarray(np.minimum.reduce([differences(colors, eyes) for eyes in COLOR_BLIND_EYES]))


def seen_together() -> set[tuple[str, str]]:
    """Pairs of classes that are often in one image, each in the order of `COCO_NAMES`."""
    order = {name: place for place, name in enumerate(COCO_NAMES)}
    scenes = [sorted(scene.split(", "), key=order.__getitem__) for scene in (*SCENES, ", ".join(VIVID))]
    return {pair for scene in scenes for pair in combinations(scene, 2)} | {
        ("person", name) for name in COCO_NAMES[1:]
    }


def candidates() -> Array:
    """Colours that show on most images: neither dark, pale nor grey; sRGB [n, 3]."""
    steps = np.arange(0, 256, 17)
    grid = (
        np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
    )
    lab = lab_of(linear_rgb(grid))
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    return grid[(lab[:, 0] > 34) & (lab[:, 0] < 94) & (chroma > 26)]


def choose(colors: Array) -> list[int]:
    """A colour for each class of `COCO_NAMES`, as its place among the candidates."""
    plain = differences(colors)
    blind = color_blind_differences(colors)
    cost_any = (ANY / np.maximum(plain, 0.5)) ** 8
    cost_together = (TOGETHER / np.maximum(plain, 0.5)) ** 8 + (COLOR_BLIND / np.maximum(blind, 0.5)) ** 8
    order = {name: place for place, name in enumerate(COCO_NAMES)}
    together = np.zeros((len(COCO_NAMES),) * 2, bool)
    for one, other in seen_together():
        together[order[one], order[other]] = together[order[other], order[one]] = True

    often = np.array([name in VIVID for name in COCO_NAMES])
    cost_vivid = (AMONG_VIVID / np.maximum(plain, 0.5)) ** 8
    cost_vivid += (COLOR_BLIND_VIVID / np.maximum(blind, 0.5)) ** 8
    rng = np.random.default_rng(SEED)
    lab = lab_of(linear_rgb(colors))
    vivid = np.nonzero(np.hypot(lab[:, 1], lab[:, 2]) > 60)[0]
    allowed = [vivid if name in VIVID else np.arange(len(colors)) for name in COCO_NAMES]
    for name, known in FIXED.items():
        allowed[order[name]] = np.nonzero((colors == known).all(axis=1))[0]
    chosen = np.array([rng.choice(choice) for choice in allowed])

    def cost(place: int, color: int) -> float:
        each = np.where(together[place], cost_together[color, chosen], cost_any[color, chosen])
        if often[place]:
            each = np.where(often, np.maximum(each, cost_vivid[color, chosen]), each)
        return float(each.sum() - each[place])

    for step in range(STEPS):
        place = int(rng.integers(len(chosen)))
        color = int(rng.choice(allowed[place]))
        heat = 3.0 * (1 - step / STEPS) ** 3 + 1e-9
        if rng.random() < np.exp(min(0.0, (cost(place, int(chosen[place])) - cost(place, color)) / heat)):
            chosen[place] = color
    return [int(color) for color in chosen]


def main() -> None:
    """Print the table, and the least differences in it."""
    colors = candidates()
    chosen = colors[choose(colors)]
    for name, color in zip(COCO_NAMES, chosen.astype(int), strict=True):
        print(f'    "{name}": "{bytes(color.tolist()).hex()}",')
    plain = differences(chosen)
    blind = color_blind_differences(chosen)
    np.fill_diagonal(plain, np.inf)
    order = {name: place for place, name in enumerate(COCO_NAMES)}
    pairs = [(order[one], order[other]) for one, other in seen_together()]
    print(f"any two: {plain.min():.1f}; together: {min(plain[pair] for pair in pairs):.1f}; ", end="")
    print(f"to colour-blind eyes: {min(blind[pair] for pair in pairs):.1f}")


if __name__ == "__main__":
    main()
