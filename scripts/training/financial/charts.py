"""Charts drawn by code: positives that look like no one source of the data."""

from collections.abc import Callable

import numpy as np

from scripts.training.financial.canvas import Canvas, Picture, mixed, new_canvas, number, words
from scripts.training.financial.marks import (
    Area,
    bars,
    candles,
    dumbbells,
    heat_map,
    lines,
    lying_bars,
    pie,
    radar,
    scatter,
)


def frame(canvas: Canvas) -> Area:
    """Title, axes, ticks, grid, legend, source: whatever it has; returns left, top, right, bottom."""
    width, height = canvas.width, canvas.height
    left, top = width * canvas.uniform(0.03, 0.2), height * canvas.uniform(0.03, 0.22)
    right, bottom = width * canvas.uniform(0.78, 0.98), height * canvas.uniform(0.75, 0.96)
    size = canvas.integer(9, 16)
    if canvas.chance(0.7) and top > 22:
        title = words(canvas.rng, canvas.integer(2, 7))
        x, anchor = (left, "la") if canvas.chance(0.5) else (width / 2, "ma")
        canvas.text(x, 4, title, canvas.integer(12, 22), anchor)
    grid = mixed(canvas.paper, canvas.ink, canvas.uniform(0.1, 0.35))
    ticks = canvas.integer(3, 9)
    lines, labels = canvas.chance(0.6), canvas.chance(0.75)
    for tick in range(ticks + 1):
        y = bottom - (bottom - top) * tick / ticks
        if lines:
            canvas.pen.line((left, y, right, y), grid, 1)
        if labels:
            canvas.text(left - 4, y, number(canvas.rng)[:7], size - 2, "rm")
    if lines and canvas.chance(0.4):
        for tick in range(canvas.integer(3, 9)):
            x = left + (right - left) * tick / 8
            canvas.pen.line((x, top, x, bottom), grid, 1)
    if canvas.chance(0.8):
        canvas.pen.line((left, bottom, right, bottom), canvas.ink, canvas.integer(1, 3))
    if canvas.chance(0.6):
        canvas.pen.line((left, top, left, bottom), canvas.ink, canvas.integer(1, 3))
    if canvas.chance(0.7):
        for tick in range(count := canvas.integer(3, 9)):
            x = left + (right - left) * (tick + 0.5) / count
            canvas.text(x, bottom + 4, words(canvas.rng, 1)[:8], size - 2, "ma")
    if canvas.chance(0.4):
        legend(canvas, right, top)
    if canvas.chance(0.25):
        canvas.text(left, height - 3, "Source: " + words(canvas.rng, 3), 9, "ls")
    return left, top, right, bottom


def legend(canvas: Canvas, right: float, top: float) -> None:
    """Little squares with names."""
    for row in range(canvas.integer(2, 5)):
        y = top + 14 * row
        canvas.pen.rectangle((right - 60, y, right - 51, y + 9), canvas.color())
        canvas.text(right - 47, y, words(canvas.rng, 1)[:9], 10)


KINDS: tuple[Callable[[Canvas, Area], None], ...] = (
    bars,
    bars,
    lying_bars,
    lines,
    lines,
    scatter,
    candles,
    candles,
    pie,
    radar,
    dumbbells,
    heat_map,
)
WITHOUT_AXES = (pie, radar, heat_map)


def decorations(canvas: Canvas) -> None:
    """What infographics add: a big headline, coloured shapes like flags and icons, a big number."""
    for _ in range(canvas.integer(1, 6)):
        x, y = canvas.uniform(0, 0.95) * canvas.width, canvas.uniform(0, 0.95) * canvas.height
        size = canvas.uniform(10, 50)
        shape = (canvas.pen.ellipse, canvas.pen.rectangle)[canvas.integer(0, 1)]
        shape((x, y, x + size, y + size * canvas.uniform(0.5, 1.2)), canvas.color())
        if canvas.chance(0.5):
            shape((x, y, x + size * 0.4, y + size * 0.4), canvas.color())
    lines_of_title = canvas.integer(1, 3)
    for row in range(lines_of_title):
        canvas.text(canvas.width / 2, 6 + 26 * row, words(canvas.rng, 4), canvas.integer(18, 26), "ma")


def chart(rng: np.random.Generator) -> Picture:
    """One chart, or a panel of two to four, on paper of any colour."""
    canvas = new_canvas(rng)
    if canvas.chance(0.25):
        decorations(canvas)
    if canvas.chance(0.12):
        panel(canvas)
        return canvas.picture()
    kind = KINDS[canvas.integer(0, len(KINDS) - 1)]
    bare = kind in WITHOUT_AXES or (kind is candles and canvas.chance(0.5))
    if bare:
        edge = canvas.uniform(0.0, 0.1)
        area = (
            canvas.width * edge,
            canvas.height * canvas.uniform(0.02, 0.2),
            canvas.width * (1 - edge),
            canvas.height * 0.96,
        )
        if canvas.chance(0.6):
            canvas.text(canvas.width / 2, 4, words(rng, 4), 16, "ma")
        if canvas.chance(0.4):
            legend(canvas, canvas.width - 10, canvas.height * 0.2)
    else:
        area = frame(canvas)
    kind(canvas, area)
    return canvas.picture()


def panel(canvas: Canvas) -> None:
    """Two to four small charts side by side."""
    columns, rows = (2, canvas.integer(1, 2)) if canvas.width > canvas.height else (canvas.integer(1, 2), 2)
    for row in range(rows):
        for column in range(columns):
            kind = KINDS[canvas.integer(0, len(KINDS) - 1)]
            x, y = canvas.width / columns * column, canvas.height / rows * row
            area = (x + 20, y + 22, x + canvas.width / columns - 10, y + canvas.height / rows - 12)
            canvas.text(x + 20, y + 6, words(canvas.rng, 2), 11)
            kind(canvas, area)
