"""Pages with known digits on them, drawn by seed from MNIST's test digits and from fonts never trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scripts.training.digits import glyphs, scenes
from scripts.training.digits.mnist import Digits

Box = tuple[int, int, int, int]
WORDS = ("Total", "Room", "Invoice", "Page", "Order", "Box", "Line", "Oil", "Hill", "Zebra", "August", "Sum")


@dataclass(frozen=True, slots=True)
class Page:
    """A picture, uint8 [h, w], and its digits in reading order: (digit, box)."""

    image: NDArray[np.uint8]
    digits: list[tuple[int, Box]]


def ink_box(thing: NDArray[np.float32], left: int, top: int) -> Box:
    """The box of what is seen of a thing whose window starts at (left, top)."""
    rows, columns = np.flatnonzero(thing.max(axis=1) > 0.4), np.flatnonzero(thing.max(axis=0) > 0.4)
    return left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1


def handwritten(digits: Digits, random: np.random.Generator, height: int) -> tuple[NDArray[np.float32], int]:
    """One test digit, about `height` pixels high, cut to its ink, and its name."""
    pick = int(random.integers(len(digits)))
    image = digits.images[pick].astype(np.float32) / 255
    left, top, right, bottom = ink_box(image, 0, 0)
    crop = np.pad(image[top:bottom, left:right], 1)
    scale = height / crop.shape[0]
    size = (max(3, round(crop.shape[1] * scale)), height)
    return np.clip(cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC), 0, 1), int(digits.labels[pick])


def paste(page: NDArray[np.float32], thing: NDArray[np.float32], left: int, top: int) -> None:
    """Put ink on a page; what would fall off it is cut."""
    window = page[top : top + thing.shape[0], left : left + thing.shape[1]]
    np.maximum(window, thing[: window.shape[0], : window.shape[1]], out=window)


def written_rows(digits: Digits, random: np.random.Generator, *, boxes: bool, gap: float = 0.35) -> Page:
    """Rows of handwritten digits; with boxes around each, it is a form."""
    height = int(random.integers(18, 56))
    rows, columns = int(random.integers(1, 6)), int(random.integers(3, 11))
    pitch = int(height * (1.9 if boxes else 1.6))
    page = np.zeros((rows * pitch + 2 * height, int(columns * height * (1.0 + gap)) + 3 * height), np.float32)
    known: list[tuple[int, Box]] = []
    for row in range(rows):
        left, top = height, height + row * pitch
        for _ in range(columns):
            thing, name = handwritten(digits, random, int(height * random.uniform(0.85, 1.1)))
            paste(page, thing, left, top)
            known.append((name, ink_box(thing, left, top)))
            if boxes:
                edge = max(1, height // 20)
                corner = (left - height // 4, top - height // 4)
                cv2.rectangle(
                    page, corner, (corner[0] + int(1.25 * height), corner[1] + int(1.6 * height)), 0.8, edge
                )
                left += int(1.25 * height)
            else:
                left += thing.shape[1] + max(1, int(height * gap * random.uniform(0.5, 1.0)))
    return Page(scenes.photograph(page, random, 0.04 * height), known)


def touching(digits: Digits, random: np.random.Generator) -> Page:
    """Two to four handwritten digits that touch their neighbours."""
    height, left = int(random.integers(30, 70)), 40
    page = np.zeros((3 * height, 6 * height + 80), np.float32)
    known: list[tuple[int, Box]] = []
    for _ in range(int(random.integers(2, 5))):
        thing, name = handwritten(digits, random, height)
        paste(page, thing, left, height)
        known.append((name, ink_box(thing, left, height)))
        left += thing.shape[1] - 3
    return Page(scenes.photograph(page, random, 0.04 * height), known)


def printed_text(digits: Digits, random: np.random.Generator) -> Page:
    """Lines of words and numbers in a font that was never trained on; words hold no digit."""
    font, height = str(random.choice(glyphs.HELD_OUT_FONTS)), int(random.integers(16, 40))
    rows = int(random.integers(2, 7))
    page = np.zeros((int((rows + 1) * 1.8 * height), 18 * height), np.float32)
    known: list[tuple[int, Box]] = []
    for row in range(rows):
        left, base = height, int((row + 1) * 1.8 * height)
        for _ in range(int(random.integers(1, 4))):
            if random.random() < 0.5:
                word = glyphs.printed(str(random.choice(WORDS)), font, height)
                if left + word.shape[1] < page.shape[1] - height:
                    paste(page, word, left, base - height)
                left += word.shape[1] + height // 2
                continue
            for character in str(random.integers(1, 10_000)):
                thing = glyphs.printed(character, font, height)
                if left + thing.shape[1] < page.shape[1] - height:
                    paste(page, thing, left, base - height)
                    known.append((int(character), ink_box(thing, left, base - height)))
                left += thing.shape[1] - 1
            left += height // 2
    return Page(scenes.photograph(page, random, 0.04 * height), known)


def house_number(digits: Digits, random: np.random.Generator) -> Page:
    """One large printed number on a plate, light on dark or dark on light, with a frame around it."""
    font, height = str(random.choice(glyphs.HELD_OUT_FONTS)), int(random.integers(60, 220))
    things = [
        (glyphs.printed(str(name), font, height), int(name))
        for name in random.integers(0, 10, random.integers(1, 4))
    ]
    width = sum(thing.shape[1] for thing, _ in things) + 2 * height
    page = np.zeros((2 * height, width), np.float32)
    cv2.rectangle(
        page,
        (height // 5, height // 5),
        (width - height // 5, 2 * height - height // 5),
        1.0,
        max(2, height // 30),
    )
    left, known = height, []
    for thing, name in things:
        paste(page, thing, left, height // 2)
        known.append((name, ink_box(thing, left, height // 2)))
        left += thing.shape[1]
    return Page(scenes.photograph(page, random, 0.04 * height), known)


KINDS: dict[str, Callable[[Digits, np.random.Generator], Page]] = {
    "handwritten rows": lambda digits, random: written_rows(digits, random, boxes=False),
    "forms with boxes": lambda digits, random: written_rows(digits, random, boxes=True),
    "touching digits": touching,
    "printed text": printed_text,
    "house numbers": house_number,
}
