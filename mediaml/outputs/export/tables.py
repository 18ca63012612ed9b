"""CSV: one row per label or detection."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mediaml.ledger.flat_rows import FlatKind, FlatRows, FrameKey, FrameTimes
from mediaml.ledger.results import Results
from mediaml.ledger.units import BOX_UNITS, SCORE_UNITS
from mediaml.outputs.export.options import ExportOptions

COLUMNS = (
    *("type", "source", "kind", "width", "height", "model", "frame", "time_s", "duration_s", "audio_track"),
    *("label", "class_id", "score", "left", "top", "right", "bottom", "track", "n"),
)
TIME_DECIMALS = 6
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(results: Results, target: Path, options: ExportOptions) -> None:
    """Write the rows of a ledger as CSV (RFC 4180, UTF-8, lines ending in a line feed).

    Raises:
        OutputError: it cannot be written, or the ledger is damaged.
    """
    rows = FlatRows(results)
    cell = _escaped_cell if options.escape_formulas else _cell
    text = _Text(rows, cell)
    encoding = "utf-8-sig" if options.bom else "utf-8"
    with target.open("w", encoding=encoding, newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        file.writelines(text.lines("label"))
        file.writelines(text.lines("detection"))


def _cell(value: Any) -> str:
    """A value as a CSV field, quoted where needed."""
    if value is None:
        return ""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([value])  # what ends lines is quoted within a cell
    return text.getvalue()[:-2]


def _escaped_cell(value: Any) -> str:
    """As `_cell`, with `'` before text that a spreadsheet would take for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        value = f"'{value}"
    return _cell(value)


class _Text:
    """Makes lines; what the rows of a frame, or of a source and model, share is made once for them."""

    def __init__(self, rows: FlatRows, cell: Callable[[Any], str]) -> None:
        self._rows = rows
        self._cell = cell
        self._shared: tuple[FlatKind, int, int] | None = None
        self._before = ""
        self._names: dict[int, Mapping[int, str]] = {
            model: {number: f"{cell(name)},{number}," for number, name in names.items()}
            for model, names in rows.names.items()
        }

    def lines(self, kind: FlatKind) -> Iterator[str]:
        """All lines of a kind, those of a batch in one text."""
        times = self._rows.times()
        for batch in self._rows.batches(kind):
            columns = list(zip(*batch, strict=True))
            yield "".join(self._joined(kind, columns[:5], _endings(kind, columns), times))

    def _joined(
        self,
        kind: FlatKind,
        columns: Sequence[Sequence[int]],
        endings: Sequence[str],
        times: Callable[[FrameKey], FrameTimes],
    ) -> Iterator[str]:
        at, head, names = (-1, -1, -1), "", self._names
        for source, model, frame, _, class_, ending in zip(*columns, endings, strict=True):
            if frame != at[2] or source != at[0] or model != at[1]:
                at = (source, model, frame)
                head, of_model = self._head(kind, at, times(at)), names[model]
            yield f"{head}{of_model[class_]}{ending}\n"

    def _head(self, kind: FlatKind, key: FrameKey, times: FrameTimes) -> str:
        source, model, frame = key
        if self._shared != (kind, source, model):
            facts = self._rows.source(source)
            cells = (kind, facts.shown, facts.kind, facts.width, facts.height, self._rows.models[model].name)
            self._shared, self._before = (kind, source, model), ",".join(map(self._cell, cells))
        time_s, duration_s = round(times[0], TIME_DECIMALS), round(times[1], TIME_DECIMALS)
        return f"{self._before},{frame},{time_s},{duration_s},{'' if times[2] is None else times[2]},"


def _endings(kind: FlatKind, columns: Sequence[Sequence[Any]]) -> list[str]:
    """The cells of every row from its score on: numbers, which JSON writes as CSV does, in one call."""
    n, scores = columns[3], _divided(columns[5], SCORE_UNITS)
    if kind == "label":
        return [f"{score},,,,,,{number}" for score, number in zip(scores, n, strict=True)]
    edges = [_divided(edge, BOX_UNITS) for edge in columns[6:10]]
    text = msgspec.json.encode(list(zip(scores, *edges, columns[10], n, strict=True))).decode()
    return text[2:-2].replace("null", "").split("],[")


def _divided(numbers: Sequence[int], units: int) -> list[float]:
    divided: list[float] = (np.asarray(numbers) / units).tolist()
    return divided
