"""Tables, statements, spreadsheets and receipts drawn by code: positives."""

import numpy as np

from scripts.training.financial.canvas import Canvas, Picture, mixed, new_canvas, number, word, words
from scripts.training.financial.marks import bars, lines


def grid_of(canvas: Canvas, left: float, top: float, right: float, bottom: float) -> None:
    """A table of numbers with names in its first column; ruled, striped, or held together by space alone."""
    size = canvas.integer(7, 13)
    tall = size + canvas.integer(2, 9)
    rows, columns = max(2, int((bottom - top) / tall)), canvas.integer(2, 9)
    first = (right - left) * canvas.uniform(0.15, 0.45)
    wide = (right - left - first) / columns
    ruled, striped, framed = canvas.chance(0.35), canvas.chance(0.3), canvas.chance(0.3)
    line = mixed(canvas.paper, canvas.ink, canvas.uniform(0.3, 1))
    stripe, head = mixed(canvas.paper, canvas.color(), 0.2), canvas.chance(0.5)
    limit = max(3, int(first / size * 1.7))
    for row in range(rows):
        y = top + row * tall
        if (striped and row % 2) or (head and row == 0 and canvas.chance(0.5)):
            canvas.pen.rectangle((left, y, right, y + tall), stripe if row else canvas.color())
        if ruled or row in (0, 1):
            canvas.pen.line((left, y, right, y), line, 1)
        if canvas.chance(0.06):
            continue
        canvas.text(left + 3, y + 2, words(canvas.rng, canvas.integer(1, 3))[:limit], size)
        for column in range(columns):
            x = left + first + wide * (column + 1) - 3
            if canvas.chance(0.9):
                text = word(canvas.rng)[:7] if row == 0 or canvas.chance(0.04) else number(canvas.rng)
                canvas.text(x, y + 2, text[: max(3, int(wide / size * 1.9))], size, "ra")
    if ruled or framed:
        for column in range(columns + 1):
            x = left + first + wide * column
            canvas.pen.line((x, top, x, top + rows * tall), line, 1)
        canvas.pen.rectangle((left, top, right, top + rows * tall), None, line)


def prose(canvas: Canvas, left: float, top: float, right: float, bottom: float, size: int) -> None:
    """Paragraphs that fill a box, ragged or filled to the margin."""
    y = top
    while y + size < bottom:
        end = right if canvas.chance(0.85) else left + (right - left) * canvas.uniform(0.3, 0.9)
        text = words(canvas.rng, 30)
        canvas.text(left, y, text[: int((end - left) / size * 1.95)], size)
        y += size * (1.35 if canvas.chance(0.88) else 2.3)


def statement(rng: np.random.Generator) -> Picture:
    """A page or screen with a table: alone, under a heading, between paragraphs, or beside a chart."""
    canvas = new_canvas(rng, (0.6, 1.6), white=0.5)
    edge = canvas.width * canvas.uniform(0.01, 0.14)
    left, right, y = edge, canvas.width - edge, canvas.height * canvas.uniform(0.01, 0.12)
    if canvas.chance(0.6):
        canvas.text(left, y, words(rng, canvas.integer(2, 6)), canvas.integer(11, 22))
        y += 30
    if canvas.chance(0.35):
        stop = canvas.height * canvas.uniform(0.15, 0.45)
        prose(canvas, left, y, right, stop, canvas.integer(7, 11))
        y = stop + 8
    bottom = canvas.height * canvas.uniform(0.6, 0.99)
    if canvas.chance(0.12):
        middle = (left + right) / 2
        kind = (bars, lines)[canvas.integer(0, 1)]
        kind(canvas, (middle + 10, y, right, (y + bottom) / 2))
        right = middle
    grid_of(canvas, left, y, right, bottom)
    if bottom < canvas.height * 0.85 and canvas.chance(0.5):
        prose(canvas, left, bottom + 20, canvas.width - edge, canvas.height - 10, canvas.integer(7, 11))
    return canvas.picture()


def receipt(rng: np.random.Generator) -> Picture:
    """A till receipt: heading in the middle, items with prices at the right, totals, lines of dashes."""
    canvas = new_canvas(rng, (0.3, 0.8), white=0.4)
    canvas.font = ("DejaVuSansMono.ttf", "DejaVuSans.ttf", "cmtt10.ttf", "DejaVuSansMono-Bold.ttf")[
        canvas.integer(0, 3)
    ]
    size = canvas.integer(7, 13)
    edge = canvas.width * canvas.uniform(0.03, 0.16)
    left, right, middle = edge, canvas.width - edge, canvas.width / 2
    y = canvas.height * canvas.uniform(0.01, 0.1)
    fits = max(6, int((right - left) / size * 1.6))
    for _ in range(canvas.integer(2, 7)):
        canvas.text(middle, y, words(rng, canvas.integer(2, 4)).upper()[:fits], size, "ma")
        y += size * 1.3
    end = canvas.height * canvas.uniform(0.7, 0.97)
    while y < end:
        kind = rng.random()
        if kind < 0.12:
            canvas.text(left, y, "-" * fits, size)
        elif kind < 0.25:
            canvas.text(left, y, words(rng, 2)[: fits // 2], size)
        elif kind < 0.9:
            canvas.text(left, y, words(rng, canvas.integer(1, 3)).upper()[: fits // 2], size)
            canvas.text(right, y, number(rng), size, "ra")
        if canvas.chance(0.08):
            canvas.text(left, y, "TOTAL", size + 6)
            canvas.text(right, y, number(rng), size + 6, "ra")
            y += 6
        y += size * canvas.uniform(1.15, 1.5)
    return shaded(canvas)


def shaded(canvas: Canvas) -> Picture:
    """The drawing as a photo or a scan of creased paper has it: uneven light, faded print."""
    picture = canvas.picture().astype(np.float32)
    if canvas.chance(0.6):
        rows = np.interp(
            np.arange(canvas.height), np.linspace(0, canvas.height, 5), canvas.rng.uniform(0.75, 1, 5)
        )
        columns = np.interp(
            np.arange(canvas.width), np.linspace(0, canvas.width, 4), canvas.rng.uniform(0.8, 1, 4)
        )
        picture *= rows[:, None, None] * columns[None, :, None]
    if canvas.chance(0.3):
        picture = 255 - (255 - picture) * canvas.uniform(0.3, 0.8)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)
