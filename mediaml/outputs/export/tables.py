"""CSV: one row per label or detection."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from mediaml.core.atomic_file import writing
from mediaml.ledger.flat_rows import FlatRow, FlatRows
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
    with writing(target), target.open("w", encoding=encoding, newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        for batch in rows.batches("label"):
            file.write(text.labels(batch))
        for batch in rows.batches("detection"):
            file.write(text.detections(batch))


def _cell(value: Any) -> str:
    """A value as a CSV field, quoted where needed."""
    if value is None:
        return ""
    text = StringIO()
    csv.writer(text, lineterminator="").writerow([value])
    return text.getvalue()


def _escaped_cell(value: Any) -> str:
    """As `_cell`, with `'` before text that a spreadsheet would take for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        value = f"'{value}"
    return _cell(value)


class _Text:
    """Makes lines; what the rows of a frame share is made once per frame."""

    def __init__(self, rows: FlatRows, cell: Callable[[Any], str]) -> None:
        self._rows = rows
        self._cell = cell
        self._names: dict[int, Mapping[int, str]] = {
            model: {number: cell(name) for number, name in names.items()}
            for model, names in rows.names.items()
        }

    def labels(self, batch: list[FlatRow]) -> str:
        lines, at, head, names = [], (), "", {}
        for source, model, frame, time_s, duration_s, audio, n, class_, score in batch:
            if (source, model, frame) != at:
                at = (source, model, frame)
                head = self._head("label", source, model, frame, time_s, duration_s, audio)
                names = self._names[model]
            lines.append(f"{head}{names[class_]},{class_},{score / SCORE_UNITS},,,,,,{n}\n")
        return "".join(lines)

    def detections(self, batch: list[FlatRow]) -> str:
        lines, at, head, names = [], (), "", {}
        for (
            source,
            model,
            frame,
            time_s,
            duration_s,
            audio,
            n,
            class_,
            score,
            left,
            top,
            right,
            bottom,
            track,
        ) in batch:
            if (source, model, frame) != at:
                at = (source, model, frame)
                head = self._head("detection", source, model, frame, time_s, duration_s, audio)
                names = self._names[model]
            lines.append(
                f"{head}{names[class_]},{class_},{score / SCORE_UNITS},{left / BOX_UNITS},{top / BOX_UNITS},"
                f"{right / BOX_UNITS},{bottom / BOX_UNITS},{'' if track is None else track},{n}\n"
            )
        return "".join(lines)

    def _head(
        self,
        kind: str,
        source: int,
        model: int,
        frame: int,
        time_s: float,
        duration_s: float,
        audio: int | None,
    ) -> str:
        facts = self._rows.source(source)
        shared = (facts.shown, facts.kind, facts.width, facts.height, self._rows.models[model].name)
        cells = ",".join(map(self._cell, shared))
        times = f"{round(time_s, TIME_DECIMALS)},{round(duration_s, TIME_DECIMALS)}"
        return f"{kind},{cells},{frame},{times},{'' if audio is None else audio},"
