"""Drawings without financial or quantitative information: hard negatives that share paper, ink and flat
colour.

Geometry as in textbooks, pages of prose, line drawings, comics, signs, patterns, rays, cut-outs of photos on
plain paper: whoever learnt "white background" or "flat colours" is wrong about these.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from PIL import Image

from scripts.training.financial import sums
from scripts.training.financial.canvas import Canvas, Picture, mixed, new_canvas, random_color, word, words
from scripts.training.financial.tables import prose, shaded

LETTERS = "ABCDEFGHKLMNOPQRSTXYZabcdxyz"
Point = tuple[float, float]


def spots(canvas: Canvas, count: int, edge: float = 0.08) -> list[Point]:
    """Random points away from the edges."""
    places = canvas.rng.uniform(edge, 1 - edge, (count, 2)) * (canvas.width, canvas.height)
    return [(float(x), float(y)) for x, y in places]


def around(canvas: Canvas, count: int) -> list[Point]:
    """The corners of a polygon around the middle: regular or not."""
    middle = (canvas.width * canvas.uniform(0.4, 0.6), canvas.height * canvas.uniform(0.4, 0.6))
    radius = min(canvas.width, canvas.height) * canvas.uniform(0.25, 0.46)
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + canvas.uniform(0, 6)
    reach = np.full(count, radius) if canvas.chance(0.5) else radius * canvas.rng.uniform(0.4, 1.1, count)
    return [
        (float(middle[0] + r * np.cos(a)), float(middle[1] + r * np.sin(a)))
        for r, a in zip(reach, angles, strict=True)
    ]


def letter(canvas: Canvas, point: Point, size: int) -> None:
    """The name of a point beside it."""
    x, y = point[0] + canvas.uniform(-14, 14), point[1] + canvas.uniform(-14, 14)
    canvas.text(x, y, LETTERS[canvas.integer(0, len(LETTERS) - 1)], size, "mm")


def geometry(canvas: Canvas) -> None:
    """Triangles, circles, polygons, chords, angles and names of points, some parts shaded."""
    wide, size = canvas.integer(1, 4), canvas.integer(12, 26)
    grey = mixed(canvas.paper, canvas.ink, canvas.uniform(0.2, 0.6))
    for _ in range(canvas.integer(1, 3)):
        corners = around(canvas, canvas.integer(3, 7)) if canvas.chance(0.8) else spots(canvas, 3)
        fill = (grey if canvas.chance(0.7) else canvas.color()) if canvas.chance(0.4) else None
        canvas.pen.polygon(corners, fill, canvas.ink, wide)
        for first in corners:
            if canvas.chance(0.35):
                canvas.pen.line((*first, *corners[canvas.integer(0, len(corners) - 1)]), canvas.ink, wide)
            if canvas.chance(0.7):
                letter(canvas, first, size)
    for _ in range(canvas.integer(0, 3)):
        (x, y), r = spots(canvas, 1, 0.25)[0], min(canvas.width, canvas.height) * canvas.uniform(0.05, 0.4)
        if canvas.chance(0.3):
            start = canvas.integer(0, 360)
            canvas.pen.pieslice(
                (x - r, y - r, x + r, y + r), start, start + canvas.integer(20, 270), grey, canvas.ink
            )
        else:
            canvas.pen.ellipse((x - r, y - r, x + r, y + r), None, canvas.ink, wide)
        if canvas.chance(0.5):
            letter(canvas, (x, y), size)
    if canvas.chance(0.3):
        canvas.text(canvas.width / 2, canvas.height * 0.5, f"{canvas.integer(1, 99)}°", size, "mm")


def solids(canvas: Canvas) -> None:
    """Cubes, boxes and stairs of cubes in parallel projection."""
    size, slant = canvas.uniform(18, 60), canvas.uniform(0.3, 0.6)
    columns = max(1, int(canvas.width * 0.7 / size))
    light, dark = mixed(canvas.paper, canvas.ink, 0.1), mixed(canvas.paper, canvas.ink, 0.4)
    for column in range(columns):
        for level in range(canvas.integer(0, max(1, int(canvas.height * 0.6 / size)))):
            x, y, d = 20 + column * size, canvas.height - 30 - level * size, size * slant
            canvas.pen.rectangle((x, y - size, x + size, y), light, canvas.ink)
            top = [(x, y - size), (x + d, y - size - d), (x + size + d, y - size - d), (x + size, y - size)]
            side = [(x + size, y - size), (x + size + d, y - size - d), (x + size + d, y - d), (x + size, y)]
            canvas.pen.polygon(top, canvas.paper, canvas.ink)
            canvas.pen.polygon(side, dark, canvas.ink)


def puzzle(canvas: Canvas) -> None:
    """A square grid with few shaded cells, letters, digits or shapes in it: puzzles, tilings, boards."""
    rows, columns = canvas.integer(2, 9), canvas.integer(2, 9)
    size = min(canvas.width * 0.85 / columns, canvas.height * 0.85 / rows)
    left, top = (canvas.width - columns * size) / 2, (canvas.height - rows * size) / 2
    board, filled = canvas.chance(0.2), canvas.uniform(0, 0.5)
    color = canvas.ink if canvas.chance(0.6) else canvas.color()
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * size, top + row * size
            dark = (row + column) % 2 == 0 if board else canvas.chance(filled * 0.5)
            canvas.pen.rectangle((x, y, x + size, y + size), color if dark else None, canvas.ink, 2)
            if not dark and canvas.chance(filled):
                middle = (x + size / 2, y + size / 2)
                if canvas.chance(0.5):
                    canvas.text(*middle, str(canvas.integer(1, 9)), int(size * 0.6), "mm")
                else:
                    r = size * 0.3
                    box = (middle[0] - r, middle[1] - r, middle[0] + r, middle[1] + r)
                    canvas.pen.ellipse(box, canvas.color() if canvas.chance(0.5) else None, canvas.ink)
    if canvas.chance(0.3):
        canvas.pen.line((left, top, left + columns * size, top + rows * size), canvas.ink, 2)


def curve(canvas: Canvas, start: Point, length: float) -> list[Point]:
    """A smooth random line."""
    turn = np.cumsum(canvas.rng.normal(0, 0.25, 40)) + canvas.uniform(0, 6.3)
    steps = np.stack((np.cos(turn), np.sin(turn)), 1) * length / 40
    return [(float(x), float(y)) for x, y in np.cumsum(steps, 0) + start]


def sketch(canvas: Canvas) -> None:
    """A line drawing: curves, closed blobs, eyes, hatching; in colour or not."""
    for start in spots(canvas, canvas.integer(4, 22)):
        points = curve(canvas, start, canvas.uniform(40, 500))
        if canvas.chance(0.35):
            canvas.pen.polygon(points, canvas.color() if canvas.chance(0.6) else None, canvas.ink, 2)
        else:
            canvas.pen.line(points, canvas.ink, canvas.integer(1, 6), joint="curve")
    for x, y in spots(canvas, canvas.integer(0, 6)):
        r = canvas.uniform(4, 40)
        canvas.pen.ellipse(
            (x - r, y - r * canvas.uniform(0.6, 1.4), x + r, y + r), canvas.color(), canvas.ink, 2
        )


def rays(canvas: Canvas) -> None:
    """Rays from a point in two to six flat colours, as behind memes, often with a figure in front."""
    x, y = canvas.width * canvas.uniform(0.3, 0.7), canvas.height * canvas.uniform(0.3, 0.7)
    count, reach = canvas.integer(4, 24), canvas.width + canvas.height
    colors = [canvas.color() for _ in range(canvas.integer(2, 6))]
    canvas.pen.rectangle((0, 0, canvas.width, canvas.height), colors[0])
    for index in range(count):
        a, b = (2 * np.pi * (index + part) / count for part in (0, 1))
        far = [(x + reach * np.cos(t), y + reach * np.sin(t)) for t in (a, b)]
        canvas.pen.polygon([(x, y), *far], colors[index % len(colors)])
    for _ in range(canvas.integer(0, 4)):
        canvas.pen.polygon(curve(canvas, (x, y + 60), 500), canvas.color(), canvas.ink)


def page(canvas: Canvas) -> None:
    """A page of prose: a letter, a book, an article in one or two columns, with headings and indents."""
    size, edge = canvas.integer(6, 13), canvas.width * canvas.uniform(0.02, 0.16)
    y = canvas.height * canvas.uniform(0.02, 0.15)
    if canvas.chance(0.5):
        canvas.text(edge, y, words(canvas.rng, 4), size + canvas.integer(2, 14))
        y += size * 3
    bottom = canvas.height * canvas.uniform(0.4, 0.98)
    columns = 2 if canvas.chance(0.25) else 1
    wide = (canvas.width - 2 * edge) / columns
    for column in range(columns):
        left = edge + column * wide
        prose(canvas, left, y, left + wide - (10 if columns > 1 else 0), bottom, size)


def sign(canvas: Canvas) -> None:
    """Few large words: signs, titles, slides without figures, logos, cards with a sentence."""
    lines = canvas.integer(1, 5)
    size = int(min(canvas.height / (lines + 1) * 0.6, canvas.width * canvas.uniform(0.06, 0.14)))
    if canvas.chance(0.5):
        box = sorted(canvas.rng.uniform(0, 1, 2) * canvas.width)
        shape = (canvas.pen.rectangle, canvas.pen.ellipse)[canvas.integer(0, 1)]
        shape((box[0], 0.1 * canvas.height, box[1], 0.9 * canvas.height), canvas.color())
    for line in range(lines):
        y = canvas.height * (line + 1) / (lines + 1)
        canvas.text(canvas.width / 2, y, words(canvas.rng, canvas.integer(1, 4)), size, "mm")


def bubbles(canvas: Canvas) -> None:
    """Comic panels or a chat: boxes and balloons with a few words and scribbled figures."""
    rows, columns = canvas.integer(1, 4), canvas.integer(1, 3)
    for row in range(rows):
        for column in range(columns):
            x, y = canvas.width * column / columns, canvas.height * row / rows
            wide, tall = canvas.width / columns, canvas.height / rows
            box = (x + 4, y + 4, x + wide - 4, y + tall - 4)
            canvas.pen.rectangle(box, canvas.color() if canvas.chance(0.5) else None, canvas.ink, 2)
            for _ in range(canvas.integer(1, 4)):
                middle = (x + canvas.uniform(0.2, 0.8) * wide, y + canvas.uniform(0.3, 0.9) * tall)
                canvas.pen.line(curve(canvas, middle, min(wide, tall)), canvas.ink, 2)
            balloon = (
                x + 10,
                y + 10,
                x + wide * canvas.uniform(0.5, 0.9),
                y + tall * canvas.uniform(0.25, 0.45),
            )
            if balloon[2] > balloon[0] + 8 and balloon[3] > balloon[1] + 8:
                canvas.pen.rounded_rectangle(balloon, 8, canvas.paper, canvas.ink)
                canvas.text(balloon[0] + 8, balloon[1] + 6, words(canvas.rng, 3), 11)


def pattern(canvas: Canvas) -> None:
    """Stripes, dots, nested shapes, waves: wallpaper and optical figures."""
    step, wide = canvas.uniform(8, 60), canvas.integer(1, 12)
    kind = canvas.integer(0, 3)
    if kind == 0:
        slope = canvas.uniform(-1, 1) * canvas.height
        for x in np.arange(-canvas.height, canvas.width + canvas.height, step):
            canvas.pen.line((x, 0, x + slope, canvas.height), canvas.color(), wide)
    elif kind == 1:
        r = step * canvas.uniform(0.2, 0.6)
        for x in np.arange(0, canvas.width, step):
            for y in np.arange(0, canvas.height, step):
                canvas.pen.ellipse((x - r, y - r, x + r, y + r), canvas.ink if step < 25 else canvas.color())
    elif kind == 2:
        for r in np.arange(canvas.width * 0.7, 4, -step):
            x, y = canvas.width / 2, canvas.height / 2
            canvas.pen.ellipse(
                (x - r, y - r, x + r, y + r), canvas.color() if canvas.chance(0.5) else canvas.paper
            )
    else:
        for x, y in spots(canvas, canvas.integer(3, 30)):
            s = canvas.uniform(10, 90)
            canvas.pen.polygon([(x, y - s), (x + s, y + s), (x - s, y + s)], canvas.color())


KINDS: tuple[Callable[[Canvas], None], ...] = (
    geometry,
    geometry,
    geometry,
    solids,
    puzzle,
    sketch,
    rays,
    page,
    page,
    sign,
    bubbles,
    pattern,
)


def drawing(rng: np.random.Generator) -> Picture:
    """One drawing without figures; two in five are as in books of sums (`sums`)."""
    if rng.random() < 0.4:
        canvas = new_canvas(rng, (0.5, 2.6), white=0.5)
        sums.KINDS[canvas.integer(0, len(sums.KINDS) - 1)](canvas)
        return canvas.picture()
    kind = KINDS[int(rng.integers(len(KINDS)))]
    canvas = new_canvas(rng, (0.6, 2.6) if kind is geometry else (0.6, 1.7), white=0.4)
    kind(canvas)
    return shaded(canvas) if kind is page and canvas.chance(0.4) else canvas.picture()


def cut_out(rng: np.random.Generator, photos: Sequence[Picture]) -> Picture:
    """Parts of photos on plain or coloured paper, captioned or not: collages, memes, adverts."""
    canvas = new_canvas(rng, (0.7, 1.6), white=0.4)
    for _ in range(canvas.integer(1, 3)):
        photo = photos[canvas.integer(0, len(photos) - 1)]
        wide, tall = (
            int(canvas.width * canvas.uniform(0.3, 0.8)),
            int(canvas.height * canvas.uniform(0.3, 0.8)),
        )
        piece = Image.fromarray(cv2.resize(photo, (wide, tall), interpolation=cv2.INTER_AREA))
        mask = Image.new("L", piece.size, 255)
        if canvas.chance(0.6):
            mask = blob(canvas, wide, tall)
        place = (canvas.integer(0, canvas.width - wide), canvas.integer(0, canvas.height - tall))
        canvas.image.paste(piece, place, mask)
    if canvas.chance(0.4):
        canvas.text(canvas.width / 2, canvas.height - 30, word(rng).upper(), 26, "mm", random_color(rng))
    return canvas.picture()


def blob(canvas: Canvas, wide: int, tall: int) -> Image.Image:
    """A mask with a round, uneven rim."""
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    reach = canvas.rng.uniform(0.6, 1, 14)
    rim = np.stack(
        (wide / 2 * (1 + reach * np.cos(angles)), tall / 2 * (1 + reach * np.sin(angles))), 1
    ).astype(np.int32)
    mask = np.zeros((tall, wide), np.uint8)
    cv2.fillPoly(mask, [rim], 255)
    return Image.fromarray(mask)
