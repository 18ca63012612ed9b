"""A sheet to draw on: random paper, ink, colours, fonts, words and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Color = tuple[int, int, int]
SYLLABLES = [
    "an",
    "ba",
    "co",
    "de",
    "el",
    "fi",
    "go",
    "ha",
    "in",
    "ju",
    "ka",
    "lo",
    "ma",
    "ne",
    "or",
    "pa",
    "qui",
    "re",
    "so",
    "ta",
    "un",
    "ve",
    "wi",
    "xa",
    "ya",
    "zo",
    "ing",
    "tion",
    "ment",
    "ter",
    "ous",
    "ly",
    "est",
    "ble",
    "ra",
    "mi",
    "tre",
    "sch",
    "pre",
    "con",
    "dis",
    "per",
    "ual",
    "ion",
    "al",
    "er",
]
FONTS = [
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif-Italic.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "cmss10.ttf",
    "cmtt10.ttf",
]


@lru_cache(maxsize=256)
def font_of(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the fonts that matplotlib carries (DejaVu, STIX: free licences)."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / name), size)


@dataclass(slots=True)
class Canvas:
    """A picture being drawn: PIL's image and pen, the random numbers, and the palette of this drawing."""

    rng: np.random.Generator
    image: Image.Image
    pen: ImageDraw.ImageDraw
    paper: Color
    ink: Color
    palette: Sequence[Color]
    font: str

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.image.height

    def text(
        self, x: float, y: float, words: str, size: int, anchor: str = "la", ink: Color | None = None
    ) -> None:
        """Words at a point; `anchor` as in PIL ("la" left ascender, "mm" middle, "rs" right baseline...)."""
        self.pen.text((x, y), words, ink or self.ink, font_of(self.font, max(5, size)), anchor=anchor)

    def uniform(self, low: float, high: float) -> float:
        """A random number."""
        return float(self.rng.uniform(low, high))

    def integer(self, low: int, high: int) -> int:
        """A random integer from `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < share)

    def color(self) -> Color:
        """One colour of the palette."""
        return self.palette[self.integer(0, len(self.palette) - 1)]

    def picture(self) -> Picture:
        """The drawing as uint8 RGB."""
        return np.asarray(self.image.convert("RGB"))


def random_color(rng: np.random.Generator, low: int = 0, high: int = 255) -> Color:
    """Any colour with channels in a range."""
    red, green, blue = rng.integers(low, high + 1, 3)
    return int(red), int(green), int(blue)


def mixed(first: Color, second: Color, share: float) -> Color:
    """A colour between two."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def papers(rng: np.random.Generator) -> tuple[Color, Color]:
    """Paper and ink: mostly light paper, often white; one in five dark."""
    choice = rng.random()
    if choice < 0.45:
        paper: Color = (255, 255, 255)
    elif choice < 0.8:
        paper = random_color(rng, 205, 255)
    else:
        paper = random_color(rng, 0, 60)
    ink = random_color(rng, 0, 80) if sum(paper) > 384 else random_color(rng, 190, 255)
    return paper, ink


def palette_of(rng: np.random.Generator, paper: Color) -> list[Color]:
    """Three to nine colours: of one hue, of any, or greys."""
    count = int(rng.integers(3, 10))
    style = rng.random()
    hue = rng.integers(0, 180)
    hsv = np.zeros((1, count, 3), np.uint8)
    hsv[0, :, 0] = hue if style < 0.4 else rng.integers(0, 180, count)
    hsv[0, :, 1] = 0 if style > 0.88 else rng.integers(90, 256, count)
    hsv[0, :, 2] = rng.integers(60, 235, count) if sum(paper) > 384 else rng.integers(130, 256, count)
    return [(int(r), int(g), int(b)) for r, g, b in cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0]]


def new_canvas(
    rng: np.random.Generator,
    aspect: tuple[float, float] = (0.6, 1.8),
    long_side: int = 460,
    white: float = 0.0,
) -> Canvas:
    """An empty sheet of random shape; some have a gradient, `white` of all are forced to be plain white."""
    ratio = float(np.exp(rng.uniform(*np.log(aspect))))
    width, height = (
        (long_side, round(long_side / ratio)) if ratio > 1 else (round(long_side * ratio), long_side)
    )
    paper, ink = papers(rng)
    if rng.random() < white:
        paper, ink = (255, 255, 255), random_color(rng, 0, 70)
    image = Image.new("RGB", (width, height), paper)
    if rng.random() < 0.12 and paper != (255, 255, 255):
        other = random_color(rng, 180, 255) if sum(paper) > 384 else random_color(rng, 0, 90)
        ramp = np.linspace(0, 1, height)[:, None, None]
        field = np.array(paper) * (1 - ramp) + np.array(other) * ramp
        image = Image.fromarray(np.repeat(field, width, 1).astype(np.uint8))
    font = FONTS[int(rng.integers(len(FONTS)))]
    return Canvas(rng, image, ImageDraw.Draw(image), paper, ink, palette_of(rng, paper), font)


def word(rng: np.random.Generator) -> str:
    """A word that means nothing."""
    return "".join(SYLLABLES[int(i)] for i in rng.integers(len(SYLLABLES), size=int(rng.integers(1, 5))))


def words(rng: np.random.Generator, count: int) -> str:
    """Several words, the first with a capital."""
    return " ".join(word(rng) for _ in range(count)).capitalize()


def number(rng: np.random.Generator) -> str:
    """A number as statements, charts and receipts print it."""
    value = float(10 ** rng.uniform(-0.5, 5.5))
    style = int(rng.integers(7))
    sign = "-" if rng.random() < 0.08 else ""
    texts = (
        f"{value:,.2f}",
        f"{value:,.0f}",
        f"${value:,.2f}",
        f"{value % 100:.1f}%",
        f"({value:,.0f})",
        f"{value:.1f}",
        f"{value / 1000:.1f}K",
    )
    return sign + texts[style]
