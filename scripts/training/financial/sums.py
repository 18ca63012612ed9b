"""Drawings as in books of arithmetic and puzzles: shapes, digits and grids, and no figures to read off.

They share white paper, thin ink and numbers with charts and tables, and are neither: whoever learnt "lines
and digits on white paper" is wrong about these. The kinds are what such books are known to hold.
"""

from collections.abc import Callable

import numpy as np

from scripts.training.financial.canvas import Canvas, Color, mixed

Point = tuple[float, float]


def _fill(canvas: Canvas) -> Color | None:
    """Nothing, grey, or a colour."""
    choice = canvas.rng.random()
    if choice < 0.45:
        return None
    return mixed(canvas.paper, canvas.ink, canvas.uniform(0.1, 0.8)) if choice < 0.75 else canvas.color()


def _shape(canvas: Canvas, x: float, y: float, r: float, corners: int, fill: Color | None) -> None:
    """A disc, or a regular polygon or star around a point."""
    wide = max(1, round(r / 15))
    if corners < 3:
        canvas.pen.ellipse((x - r, y - r, x + r, y + r), fill, canvas.ink, wide)
        return
    start = -np.pi / 2 if canvas.chance(0.7) else canvas.uniform(0, 6)
    star = corners > 4 and canvas.chance(0.4)
    count = 2 * corners if star else corners
    reach = [r * (0.45 if star and index % 2 else 1.0) for index in range(count)]
    angles = start + 2 * np.pi * np.arange(count) / count
    points = [
        (x + far * float(np.cos(a)), y + far * float(np.sin(a))) for far, a in zip(reach, angles, strict=True)
    ]
    canvas.pen.polygon(points, fill, canvas.ink, wide)


def choices(canvas: Canvas) -> None:
    """Little figures in a row or two, lettered A to E: what a question lets one choose from."""
    count, rows = canvas.integer(3, 6), canvas.integer(1, 2)
    wide, tall = canvas.width / count, canvas.height / rows
    corners = canvas.integer(0, 8)
    for index in range(count * rows):
        x, y = (index % count + 0.5) * wide, (index // count + 0.45) * tall
        r = min(wide, tall) * canvas.uniform(0.2, 0.38)
        _shape(canvas, x, y, r, corners if canvas.chance(0.5) else canvas.integer(0, 8), _fill(canvas))
        for _ in range(canvas.integer(0, 3)):
            a, b = canvas.rng.uniform(0, 2 * np.pi, 2)
            ends = (x + r * np.cos(a), y + r * np.sin(a), x + r * np.cos(b), y + r * np.sin(b))
            canvas.pen.line(tuple(float(end) for end in ends), canvas.ink, 2)
        if canvas.chance(0.85):
            name = "ABCDEFGHIJKL"[index]
            text = f"({name})" if canvas.chance(0.6) else name
            canvas.text(x, y + r + 12, text, canvas.integer(12, 20), "mm")


def plane(canvas: Canvas) -> None:
    """Two axes with arrows and their names, and a shape or a curve between them."""
    x0, y0 = canvas.width * canvas.uniform(0.1, 0.55), canvas.height * canvas.uniform(0.45, 0.9)
    size, step = canvas.integer(12, 20), canvas.uniform(18, 50)
    if canvas.chance(0.3):
        grid = mixed(canvas.paper, canvas.ink, 0.2)
        for x in np.arange(x0 % step, canvas.width, step):
            canvas.pen.line((float(x), 0, float(x), canvas.height), grid)
        for y in np.arange(y0 % step, canvas.height, step):
            canvas.pen.line((0, float(y), canvas.width, float(y)), grid)
    right, top = canvas.width - 14, 14
    canvas.pen.line((6, y0, right, y0), canvas.ink, 2)
    canvas.pen.line((x0, canvas.height - 6, x0, top), canvas.ink, 2)
    canvas.pen.polygon([(right + 8, y0), (right, y0 - 4), (right, y0 + 4)], canvas.ink)
    canvas.pen.polygon([(x0, top - 8), (x0 - 4, top), (x0 + 4, top)], canvas.ink)
    canvas.text(right, y0 + 12, "x", size, "mm")
    canvas.text(x0 - 12, top + 4, "y", size, "mm")
    canvas.text(x0 - 10, y0 + 12, "O" if canvas.chance(0.6) else "0", size, "mm")
    if canvas.chance(0.55):
        t = np.linspace(-1, 1, 60)
        bend, slope, lift = canvas.rng.uniform(-1, 1, 3)
        y = (
            bend * t**2 * 2 + slope * t + lift
            if canvas.chance(0.7)
            else np.sin(t * canvas.uniform(2, 9)) * 0.7
        )
        points = np.stack((x0 + t * canvas.width * 0.4, y0 - y * canvas.height * 0.35), 1)
        canvas.pen.line([(float(a), float(b)) for a, b in points], canvas.ink, 2, joint="curve")
    else:
        count = canvas.integer(3, 5)
        spots = canvas.rng.uniform((x0 * 0.6, 20), (canvas.width * 0.9, y0), (count, 2))
        corners: list[Point] = [(float(a), float(b)) for a, b in spots]
        canvas.pen.polygon(corners, _fill(canvas), canvas.ink, 2)
        for place, (x, y) in enumerate(corners):
            canvas.text(x + 10, y - 8, "ABCDE"[place], size, "mm")


def dial(canvas: Canvas) -> None:
    """A clock, or a wheel with numbers in its sectors."""
    x, y = canvas.width / 2, canvas.height / 2
    r, size = min(x, y) * canvas.uniform(0.6, 0.92), canvas.integer(12, 26)
    canvas.pen.ellipse((x - r, y - r, x + r, y + r), _fill(canvas), canvas.ink, canvas.integer(1, 5))
    clock = canvas.chance(0.6)
    count = 12 if clock else canvas.integer(3, 10)
    for index in range(count):
        angle = 2 * np.pi * index / count - np.pi / 2
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        if clock:
            canvas.pen.line((x + 0.92 * r * cos, y + 0.92 * r * sin, x + r * cos, y + r * sin), canvas.ink, 2)
            if canvas.chance(0.9):
                canvas.text(x + 0.8 * r * cos, y + 0.8 * r * sin, str(index or 12), size, "mm")
        else:
            canvas.pen.line((x, y, x + r * cos, y + r * sin), canvas.ink, 2)
            half = angle + np.pi / count
            spot = (x + 0.65 * r * float(np.cos(half)), y + 0.65 * r * float(np.sin(half)))
            canvas.text(*spot, str(canvas.integer(0, 20)), size, "mm")
    for reach in (0.5, 0.75) if clock else ():
        angle = canvas.uniform(0, 6.3)
        canvas.pen.line((x, y, x + reach * r * np.cos(angle), y + reach * r * np.sin(angle)), canvas.ink, 4)


def sets(canvas: Canvas) -> None:
    """Two to five circles that overlap, with names or numbers in them: Venn diagrams, rings, chains."""
    count, chained = canvas.integer(2, 5), canvas.chance(0.4)
    r = min(canvas.width, canvas.height) * canvas.uniform(0.16, 0.3)
    for index in range(count):
        angle = 2 * np.pi * index / count + 0.5
        x = canvas.width / 2 + (r * 1.5 * (index - (count - 1) / 2) if chained else r * 0.8 * np.cos(angle))
        y = canvas.height / 2 + (0.0 if chained else r * 0.8 * np.sin(angle))
        canvas.pen.ellipse((x - r, y - r, x + r, y + r), None, canvas.ink, canvas.integer(1, 4))
        text = str(canvas.integer(1, 30)) if canvas.chance(0.5) else "ABCDE"[index]
        canvas.text(float(x), float(y), text, canvas.integer(14, 26), "mm")


def network(canvas: Canvas) -> None:
    """Points or little circles with letters or numbers, joined by lines: roads, graphs, trees of boxes."""
    count, r, boxed = canvas.integer(4, 10), canvas.uniform(3, 22), canvas.chance(0.3)
    places = canvas.rng.uniform((30, 30), (canvas.width - 30, canvas.height - 30), (count, 2))
    for index in range(1, count):
        for other in {int(canvas.rng.integers(index)), int(canvas.rng.integers(index))}:
            canvas.pen.line((*places[index].tolist(), *places[other].tolist()), canvas.ink, 2)
            if canvas.chance(0.25):
                x, y = (places[index] + places[other]) / 2
                canvas.text(float(x) + 8, float(y) - 8, str(canvas.integer(1, 20)), 14, "mm")
    for index, (x, y) in enumerate(places.tolist()):
        box = (x - r, y - r, x + r, y + r)
        (canvas.pen.rectangle if boxed else canvas.pen.ellipse)(
            box, canvas.paper if r > 8 else canvas.ink, canvas.ink
        )
        name = "ABCDEFGHIJ"[index] if canvas.chance(0.6) else str(canvas.integer(1, 50))
        canvas.text(x + (0 if r > 10 else 10), y - (0 if r > 10 else 10), name, 15, "mm")


def boxes(canvas: Canvas) -> None:
    """A sum with empty boxes, a pyramid or a chain of boxes or circles with few numbers and arrows."""
    rows, size = canvas.integer(1, 5), canvas.uniform(34, 70)
    pyramid, round_ones, signs = canvas.chance(0.4), canvas.chance(0.35), canvas.chance(0.5)
    for row in range(rows):
        count = row + 1 if pyramid else canvas.integer(2, 6)
        for index in range(count):
            x = canvas.width / 2 + (index - (count - 1) / 2) * size * (1.0 if pyramid else 1.3)
            y = canvas.height / 2 + (row - (rows - 1) / 2) * size * (1.0 if pyramid else 1.2)
            half = size * (0.5 if pyramid else 0.4)
            box = (x - half, y - half, x + half, y + half)
            (canvas.pen.ellipse if round_ones else canvas.pen.rectangle)(box, _fill(canvas), canvas.ink, 2)
            if canvas.chance(0.45):
                text = str(canvas.integer(0, 99)) if canvas.chance(0.8) else "?"
                canvas.text(x, y, text, round(size * 0.45), "mm")
            if signs and not pyramid and index:
                canvas.text(x - size * 0.65, y, "+-=><"[canvas.integer(0, 4)], round(size * 0.4), "mm")


def number_line(canvas: Canvas) -> None:
    """A line with ticks and a few numbers, points or a bracket on it; a ruler under something."""
    y, ticks = canvas.height * canvas.uniform(0.3, 0.7), canvas.integer(4, 14)
    left, right = canvas.width * 0.06, canvas.width * 0.94
    canvas.pen.line((left, y, right, y), canvas.ink, canvas.integer(1, 4))
    if canvas.chance(0.5):
        canvas.pen.polygon([(right + 10, y), (right, y - 5), (right, y + 5)], canvas.ink)
    first, often = canvas.integer(-9, 10), canvas.uniform(0.2, 1)
    for tick in range(ticks + 1):
        x = left + (right - left) * tick / ticks
        canvas.pen.line((x, y - 6, x, y + 6), canvas.ink, 2)
        if canvas.chance(often):
            canvas.text(x, y + 18, str(first + tick), canvas.integer(11, 18), "mm")
        if canvas.chance(0.12):
            _shape(
                canvas,
                x,
                y - canvas.uniform(0, 30),
                canvas.uniform(4, 16),
                canvas.integer(0, 5),
                _fill(canvas),
            )
            canvas.text(x, y - 42, "ABCPQ"[canvas.integer(0, 4)], 16, "mm")


def things(canvas: Canvas) -> None:
    """The same few things many times, in rows or strewn: beads, coins, dice, flowers, sweets to count."""
    r = canvas.uniform(9, 34)
    kinds = [(canvas.integer(0, 7), _fill(canvas)) for _ in range(canvas.integer(1, 3))]
    ordered = canvas.chance(0.6)
    step = r * canvas.uniform(2.1, 3.2)
    places = [
        (float(x), float(y))
        for y in np.arange(step * 0.7, canvas.height - r, step)
        for x in np.arange(step * 0.7, canvas.width - r, step)
    ]
    kept = canvas.uniform(0.2, 1)
    for column, row in places:
        if not canvas.chance(kept):
            continue
        away = (0.0, 0.0) if ordered else (canvas.uniform(-r, r), canvas.uniform(-r, r))
        x, y = column + away[0], row + away[1]
        corners, fill = kinds[canvas.integer(0, len(kinds) - 1)]
        _shape(canvas, x, y, r, corners, fill)
        if canvas.chance(0.3):
            for dx, dy in canvas.rng.uniform(-0.5, 0.5, (canvas.integer(1, 6), 2)) * r:
                canvas.pen.ellipse((x + dx - 2, y + dy - 2, x + dx + 2, y + dy + 2), canvas.ink)


def squares(canvas: Canvas) -> None:
    """Joined squares of a grid, some dark: polyominoes, nets of dice, mazes, paths, plans."""
    rows, columns = canvas.integer(3, 9), canvas.integer(3, 9)
    size = min(canvas.width / (columns + 1), canvas.height / (rows + 1))
    left, top = (canvas.width - columns * size) / 2, (canvas.height - rows * size) / 2
    taken = canvas.rng.random((rows, columns)) < canvas.uniform(0.3, 0.9)
    walls = canvas.chance(0.3)
    for row, column in zip(*np.nonzero(taken), strict=True):
        x, y = left + float(column) * size, top + float(row) * size
        if walls:
            ends = (x + size, y) if canvas.chance(0.5) else (x, y + size)
            canvas.pen.line((x, y, *ends), canvas.ink, 4)
        else:
            canvas.pen.rectangle((x, y, x + size, y + size), _fill(canvas), canvas.ink, 2)


def scales(canvas: Canvas) -> None:
    """A balance, a thermometer, a glass, a ladder, a house: drawn things with a straight outline."""
    x, y, s = canvas.width / 2, canvas.height / 2, min(canvas.width, canvas.height) * 0.4
    tilt = canvas.uniform(-0.2, 0.2) * s
    if canvas.chance(0.5):
        canvas.pen.polygon(
            [(x, y), (x - 0.2 * s, y + 0.6 * s), (x + 0.2 * s, y + 0.6 * s)], _fill(canvas), canvas.ink, 2
        )
        canvas.pen.line((x - s, y - tilt, x + s, y + tilt), canvas.ink, 4)
        for side, drop in ((-1, -tilt), (1, tilt)):
            for place in range(canvas.integer(1, 4)):
                spot = (x + side * s * (0.9 - 0.25 * place), y + drop - 0.14 * s)
                _shape(canvas, *spot, 0.12 * s, canvas.integer(0, 6), _fill(canvas))
        return
    canvas.pen.rectangle((x - 0.6 * s, y - 0.2 * s, x + 0.6 * s, y + 0.9 * s), _fill(canvas), canvas.ink, 3)
    canvas.pen.polygon(
        [(x - 0.8 * s, y - 0.2 * s), (x, y - s), (x + 0.8 * s, y - 0.2 * s)], _fill(canvas), canvas.ink
    )
    for _ in range(canvas.integer(1, 6)):
        a, b = canvas.uniform(-0.5, 0.3) * s, canvas.uniform(-0.1, 0.6) * s
        canvas.pen.rectangle((x + a, y + b, x + a + 0.2 * s, y + b + 0.25 * s), _fill(canvas), canvas.ink, 2)


KINDS: tuple[Callable[[Canvas], None], ...] = (
    choices,
    choices,
    plane,
    dial,
    sets,
    network,
    boxes,
    number_line,
    things,
    squares,
    scales,
)
