"""Charts drawn by code: positives that look like no one source of the data."""

from collections.abc import Callable

import numpy as np
from training.financial.canvas import Canvas, Color, Picture, mixed, new_canvas, number, random_color, words

Area = tuple[float, float, float, float]


def walk(canvas: Canvas, count: int) -> np.ndarray:
    """A random walk scaled to 0.05..0.95."""
    steps = np.cumsum(canvas.rng.standard_normal(count) + canvas.uniform(-0.4, 0.4))
    if canvas.chance(0.3):
        steps = canvas.rng.random(count)
    span = float(np.ptp(steps)) or 1.0
    return 0.05 + 0.9 * (steps - steps.min()) / span


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
