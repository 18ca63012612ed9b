"""The marks of charts, drawn by code into an area: bars, lines, points, candles, slices, spokes, cells."""

import numpy as np
from numpy.typing import NDArray

from scripts.training.financial.canvas import Canvas, Color, mixed, number, random_color, words

Area = tuple[float, float, float, float]


def walk(canvas: Canvas, count: int) -> NDArray[np.float64]:
    """A random walk scaled to 0.05..0.95."""
    steps = np.cumsum(canvas.rng.standard_normal(count) + canvas.uniform(-0.4, 0.4))
    if canvas.chance(0.3):
        steps = canvas.rng.random(count)
    span = float(np.ptp(steps)) or 1.0
    return np.asarray(0.05 + 0.9 * (steps - steps.min()) / span)


def bars(canvas: Canvas, area: Area, sideways: bool = False) -> None:
    """Bars from an axis: single, grouped or stacked, upright or lying."""
    left, top, right, bottom = area
    count, series = canvas.integer(2, 24), canvas.integer(1, 3)
    stacked = series > 1 and canvas.chance(0.5)
    fill = canvas.uniform(0.4, 0.97)
    length, breadth = (right - left, bottom - top) if sideways else (bottom - top, right - left)
    slot = breadth / count
    values = np.stack([walk(canvas, count) for _ in range(series)])
    if canvas.chance(0.4):
        values = np.sort(values, 1)[:, ::-1]
    outline = canvas.ink if canvas.chance(0.2) else None
    valued = canvas.chance(0.4)
    colors = [canvas.color() for _ in range(max(series, count if canvas.chance(0.15) else 1))]
    for index in range(count):
        start = 0.0
        for part in range(series):
            value = float(values[part, index]) * (1 / series if stacked else 1)
            wide = slot * fill / (1 if stacked else series)
            offset = slot * (index + (1 - fill) / 2) + (0 if stacked else part * wide)
            near, far = start * length, (start + value) * length
            if sideways:
                box = (left + near, top + offset, left + far, top + offset + wide)
            else:
                box = (left + offset, bottom - far, left + offset + wide, bottom - near)
            canvas.pen.rectangle(box, colors[(part if series > 1 else index) % len(colors)], outline)
            if valued and part == series - 1:
                spot = (
                    (box[2] + 3, (box[1] + box[3]) / 2) if sideways else ((box[0] + box[2]) / 2, box[1] - 2)
                )
                canvas.text(*spot, number(canvas.rng)[:6], 9, "lm" if sideways else "ms")
            start += value if stacked else 0


def lying_bars(canvas: Canvas, area: Area) -> None:
    """Bars that lie."""
    bars(canvas, area, sideways=True)


def lines(canvas: Canvas, area: Area) -> None:
    """One to six lines, with or without markers or values, or filled areas."""
    left, top, right, bottom = area
    filled = canvas.chance(0.25)
    for _ in range(canvas.integer(1, 6)):
        values = walk(canvas, canvas.integer(4, 120))
        xs = np.linspace(left, right, len(values))
        points = [
            (float(x), bottom - float(v) * (bottom - top) * 0.95) for x, v in zip(xs, values, strict=True)
        ]
        color = canvas.color()
        if filled:
            canvas.pen.polygon([(left, bottom), *points, (right, bottom)], color)
        canvas.pen.line(points, color, canvas.integer(1, 5), joint="curve")
        if len(points) < 20 and canvas.chance(0.5):
            for x, y in points:
                canvas.pen.ellipse((x - 4, y - 4, x + 4, y + 4), color)
                if canvas.chance(0.4):
                    canvas.text(x, y - 6, number(canvas.rng)[:5], 9, "ms")


def scatter(canvas: Canvas, area: Area) -> None:
    """Points or bubbles, few or many, sometimes with a fitted line."""
    left, top, right, bottom = area
    for _ in range(canvas.integer(1, 4)):
        count = int(np.exp(canvas.uniform(np.log(4), np.log(250))))
        x = canvas.rng.random(count)
        y = np.clip(x * canvas.uniform(-1, 1) + canvas.rng.random(count) * canvas.uniform(0.2, 1), 0, 1)
        size, color = canvas.uniform(1.5, 5), canvas.color()
        bubble = canvas.rng.exponential(2, count) if canvas.chance(0.2) else np.ones(count)
        for a, b, s in zip(x, y, bubble, strict=True):
            cx, cy, r = left + a * (right - left), bottom - b * (bottom - top), size * s
            canvas.pen.ellipse((cx - r, cy - r, cx + r, cy + r), color)
    if canvas.chance(0.2):
        canvas.pen.line((left, bottom, right, top), canvas.ink, 2)


def candles(canvas: Canvas, area: Area) -> None:
    """Candlesticks, sometimes bars of volume below and moving averages above."""
    left, top, right, bottom = area
    volume = canvas.chance(0.5)
    floor = bottom - (bottom - top) * (0.25 if volume else 0)
    count = canvas.integer(12, 110)
    middle = walk(canvas, count + 1)
    up, down = (
        ((20, 150, 60), (210, 40, 40)) if canvas.chance(0.6) else (canvas.color(), random_color(canvas.rng))
    )
    slot = (right - left) / count
    for index in range(count):
        x, wide = left + slot * (index + 0.5), slot * 0.35
        a, b = (floor - float(v) * (floor - top) for v in middle[index : index + 2])
        color: Color = up if b < a else down
        wick = abs(canvas.rng.normal(0, 0.05)) * (floor - top)
        canvas.pen.line((x, min(a, b) - wick, x, max(a, b) + wick), color, 1)
        canvas.pen.rectangle((x - wide, min(a, b), x + wide, max(a, b) + 1), color)
        if volume:
            tall = canvas.uniform(0.1, 1) * (bottom - floor) * 0.85
            canvas.pen.rectangle((x - wide, bottom - tall, x + wide, bottom), color)
    if canvas.chance(0.4):
        lines(canvas, (left, top, right, floor))


def pie(canvas: Canvas, area: Area) -> None:
    """A pie or a ring with names or shares."""
    left, top, right, bottom = area
    radius = min(right - left, bottom - top) * canvas.uniform(0.3, 0.48)
    x, y = (left + right) / 2, (top + bottom) / 2
    shares = canvas.rng.dirichlet(np.full(canvas.integer(2, 9), canvas.uniform(0.8, 4)))
    angle, rim = canvas.uniform(0, 360), canvas.ink if canvas.chance(0.3) else canvas.paper
    for index, share in enumerate(shares):
        color = canvas.palette[index % len(canvas.palette)]
        canvas.pen.pieslice(
            (x - radius, y - radius, x + radius, y + radius), angle, angle + share * 360, color, rim
        )
        turn = np.radians(angle + share * 180)
        reach = radius * canvas.uniform(0.6, 1.3)
        canvas.text(x + reach * np.cos(turn), y + reach * np.sin(turn), f"{share:.0%}", 12, "mm")
        angle += share * 360
    if canvas.chance(0.4):
        hole = radius * canvas.uniform(0.4, 0.8)
        canvas.pen.ellipse((x - hole, y - hole, x + hole, y + hole), canvas.paper)
        canvas.text(x, y, number(canvas.rng), 18, "mm")


def radar(canvas: Canvas, area: Area) -> None:
    """A radar chart: rings, spokes and one to three polygons; or bars around a circle."""
    left, top, right, bottom = area
    x, y, radius = (left + right) / 2, (top + bottom) / 2, min(right - left, bottom - top) * 0.42
    spokes = canvas.integer(4, 12)
    angles = np.linspace(0, 2 * np.pi, spokes, endpoint=False)
    grid = mixed(canvas.paper, canvas.ink, 0.3)
    for ring in (0.33, 0.66, 1.0):
        canvas.pen.polygon(
            [(x + ring * radius * np.cos(a), y + ring * radius * np.sin(a)) for a in angles], None, grid
        )
    for a in angles:
        canvas.pen.line((x, y, x + radius * np.cos(a), y + radius * np.sin(a)), grid, 1)
        canvas.text(
            x + 1.15 * radius * np.cos(a), y + 1.12 * radius * np.sin(a), words(canvas.rng, 1)[:7], 10, "mm"
        )
    for _ in range(canvas.integer(1, 3)):
        reach = canvas.rng.uniform(0.2, 1, spokes)
        ends = [
            (x + r * radius * np.cos(a), y + r * radius * np.sin(a))
            for r, a in zip(reach, angles, strict=True)
        ]
        canvas.pen.polygon(ends, None, canvas.color(), canvas.integer(2, 4))


def dumbbells(canvas: Canvas, area: Area) -> None:
    """Rows of names with one to three dots on each, joined or not: dot plots, lollipops, slopes."""
    left, top, right, bottom = area
    rows, dots, joined = canvas.integer(3, 14), canvas.integer(1, 3), canvas.chance(0.6)
    for row in range(rows):
        y = top + (bottom - top) * (row + 0.5) / rows
        xs = [left + canvas.uniform(0, 1) * (right - left) for _ in range(dots)]
        if joined:
            start = left if dots == 1 else min(xs)
            canvas.pen.line(
                (start, y, max(xs), y), mixed(canvas.paper, canvas.ink, 0.4), canvas.integer(1, 4)
            )
        for index, x in enumerate(xs):
            color, r = canvas.palette[index % len(canvas.palette)], canvas.uniform(3, 8)
            canvas.pen.ellipse((x - r, y - r, x + r, y + r), color)
        canvas.text(left - 4, y, words(canvas.rng, 1)[:9], 10, "rm")
        if canvas.chance(0.5):
            canvas.text(max(xs) + 10, y, number(canvas.rng)[:6], 9, "lm")


def heat_map(canvas: Canvas, area: Area) -> None:
    """A matrix of coloured cells, with or without numbers; or a treemap-like tiling."""
    left, top, right, bottom = area
    rows, columns = canvas.integer(3, 12), canvas.integer(3, 12)
    low, high, numbered = canvas.color(), random_color(canvas.rng, 180, 255), canvas.chance(0.5)
    for row in range(rows):
        for column in range(columns):
            x, y = left + (right - left) * column / columns, top + (bottom - top) * row / rows
            box = (x, y, x + (right - left) / columns, y + (bottom - top) / rows)
            canvas.pen.rectangle(box, mixed(low, high, canvas.uniform(0, 1)), canvas.paper)
            if numbered:
                canvas.text((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, number(canvas.rng)[:5], 9, "mm")
