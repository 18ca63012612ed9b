"""Letters, signs and printed digits drawn from fonts, and letters drawn with a trembling pen.

The fonts are those that matplotlib carries (DejaVu, STIX, Computer Modern). `HELD_OUT_FONTS` are never
trained on.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Floats = NDArray[np.float32]

TRAIN_FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Bold",
    "DejaVuSerif-Italic", "DejaVuSansMono", "DejaVuSansMono-Bold", "cmr10", "cmb10", "cmti10",
)  # fmt: skip
HELD_OUT_FONTS = ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmss10", "cmtt10")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SIGNS = "!?#%&@()[]{}<>+=*/:;.,-~^$_"
DIGITS = "0123456789"
# No one can tell these from a digit without its neighbours: neither trained as digits nor as something else.
TWINS = frozenset("OoIl/")
# These look so much like a digit that both are right; they are taught as half the one, half the other.
LOOKALIKES = {
    "S": 5, "s": 5, "Z": 2, "z": 2, "B": 8, "b": 6, "g": 9, "q": 9, "D": 0, "Q": 0, "i": 1, "G": 6,
    "(": 1, ")": 1, "[": 1, "]": 1, "!": 1,
}  # fmt: skip

# Handwriting: strokes of each letter as points (x, y) in tenths of a unit square, y down.
STROKES = {
    "A": ["09 50 99", "26 76"], "B": ["00 09", "00 62 04 78 09"], "C": ["92 30 04 39 97"],
    "D": ["00 09 68 94 60 00"], "E": ["90 00 09 99", "05 65"], "F": ["90 00 09", "05 65"],
    "G": ["92 30 04 39 98 95 55"], "H": ["00 09", "90 99", "05 95"], "J": ["90 97 49 07", "40 90"],
    "K": ["00 09", "90 05 99"], "L": ["00 09 99"], "M": ["09 00 56 90 99"], "N": ["09 00 99 90"],
    "P": ["09 00 72 05"], "Q": ["50 04 59 95 50", "66 99"], "R": ["09 00 72 05 99"],
    "S": ["81 30 13 86 59 08"], "T": ["00 90", "50 59"], "U": ["00 06 59 96 90"], "V": ["00 59 90"],
    "W": ["00 29 54 79 90"], "X": ["00 99", "90 09"], "Y": ["00 54 90", "54 59"], "Z": ["00 90 09 99"],
    "a": ["92 30 05 39 94 91 99"], "e": ["05 95 60 04 49 98"], "f": ["80 51 59", "24 84"],
    "g": ["82 30 04 47 83 80 89 39"], "h": ["00 09", "05 43 75 79"], "k": ["00 09", "73 06 79"],
    "m": ["03 09", "04 23 45 49", "45 73 95 99"], "n": ["03 09", "04 53 85 89"], "r": ["03 09", "05 43 84"],
    "t": ["50 58 79 97", "13 83"], "u": ["03 08 49 83", "83 89"], "w": ["03 29 54 79 93"],
    "x": ["03 99", "93 09"], "y": ["03 47", "93 19"], "+": ["50 59", "05 95"],
    "#": ["20 29", "70 79", "03 93", "06 96"],
    "?": ["03 30 83 56 57", "58 59"], "*": ["50 59", "02 97", "92 07"],
    "@": ["66 44 36 66 64 98 91 20 06 59 98"],
    "v": ["03 59 93"], "d": ["90 99", "95 44 06 49 97"], "p": ["03 09", "04 73 66 06"],
    "j": ["53 58 29 08", "50 51"],
}  # fmt: skip


@cache
def font_file(name: str, size: int) -> FreeTypeFont:
    """A font of matplotlib at a size in pixels, as pillow holds it."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(get_data_path(), "fonts", "ttf", f"{name}.ttf")), size)


def printed(text: str, font: str, size: int = 64) -> Floats:
    """Text as a printer sets it: float32 [h, w], 1 is ink, cropped to the ink with a margin of two pixels."""
    from PIL import Image, ImageDraw

    kind = font_file(font, size)
    left, top, right, bottom = kind.getbbox(text)
    page = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4), 0)
    ImageDraw.Draw(page).text((2 - left, 2 - top), text, fill=255, font=kind)
    return np.asarray(page, np.float32) / np.float32(255)


def smooth(points: Floats, turns: int = 2) -> Floats:
    """A polyline with its corners rounded, by Chaikin's corner cutting (1974)."""
    for _ in range(turns):
        first, second = points[:-1], points[1:]
        near, far = np.float32(0.75), np.float32(0.25)
        cut = np.stack([near * first + far * second, far * first + near * second], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut, points[-1:]])
    return points


def written(letter: str, random: np.random.Generator, size: int = 64) -> Floats:
    """A letter of `STROKES` with a trembling pen: float32 [h, w], 1 is ink; slant, width and aspect vary."""
    margin = size // 4
    page = np.zeros((size + 2 * margin, size + 2 * margin), np.uint8)
    tremble, slant, narrow = random.uniform(0.2, 0.7), random.normal(0, 0.15), random.uniform(0.55, 1.0)
    thick = int(random.integers(3, 10))
    for stroke in STROKES[letter]:
        points = np.array([[int(pair[0]), int(pair[1])] for pair in stroke.split()], np.float32)
        points += random.normal(0, tremble, points.shape).astype(np.float32)
        points = smooth(points, int(random.integers(0, 4))) / np.float32(9)
        points[:, 0] = points[:, 0] * narrow + slant * (0.5 - points[:, 1])
        pixels = np.round((points * size + margin) * 8).astype(np.int32)
        cv2.polylines(page, [pixels], False, 255, thick, cv2.LINE_AA, shift=3)
    return page.astype(np.float32) / np.float32(255)


def scribble(random: np.random.Generator, size: int = 64) -> Floats:
    """A few random lines, curves, dots or boxes: float32 [size, size], 1 is ink; never a lone line."""
    page = np.zeros((size, size), np.uint8)
    for _ in range(int(random.integers(2, 6))):
        thick = int(random.integers(2, 9))
        kind = random.integers(4)
        if kind == 0:
            points = smooth(
                random.uniform(4, size - 4, (int(random.integers(4, 9)), 2)).astype(np.float32), 3
            )
            cv2.polylines(page, [np.round(points).astype(np.int32)], False, 255, thick, cv2.LINE_AA)
            continue
        corners = random.integers(4, size - 4, (2, 2)).tolist()
        if kind == 1:
            cv2.rectangle(page, corners[0], corners[1], 255, thick if random.random() < 0.7 else -1)
        elif kind == 2:
            cv2.line(page, corners[0], corners[1], 255, thick, cv2.LINE_AA)
        else:
            cv2.circle(page, corners[0], int(random.integers(2, size // 4)), 255, -1, cv2.LINE_AA)
    return page.astype(np.float32) / np.float32(255)
