"""CSV: one row per label or detection."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Int64Array, UInt8Array
from mediaml.ledger.flat_rows import KINDS, NONE, FlatBatch, FlatKind, FlatRows, distinct_classes
from mediaml.ledger.results import Results
from mediaml.ledger.units import BOX_PLACES, SCORE_PLACES
from mediaml.ops.text_columns import Part, decimals, joined, side_by_side, texts, whole, whole_or_nothing
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
    lines = _Lines(rows, escape_formulas=options.escape_formulas)
    with rows.checked(), target.open("wb") as file:
        file.write(b"\xef\xbb\xbf" if options.bom else b"")
        file.write(",".join(COLUMNS).encode() + b"\n")
        for kind in KINDS:
            for batch in rows.batches(kind):
                file.writelines(lines.of(batch))


def csv_cell(value: str | int | None, *, escape_formulas: bool = False) -> str:
    """A value as a CSV field, quoted where needed.

    Args:
        escape_formulas: put `'` before text that a spreadsheet would take for a formula.
    """
    if value is None:
        return ""
    if escape_formulas and isinstance(value, str) and value.startswith(_FORMULA):
        value = f"'{value}"
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([value])  # what ends lines is quoted within a cell
    return text.getvalue()[:-2]


class _Lines:
    """Makes the lines of batches from columns of characters."""

    def __init__(self, rows: FlatRows, *, escape_formulas: bool) -> None:
        self._rows = rows
        self._cell = partial(csv_cell, escape_formulas=escape_formulas)
        self._comma: Part = (texts([","]), None)

    def of(self, batch: FlatBatch) -> Iterator[bytes]:
        """The lines of a batch, in pieces."""
        columns, comma = batch.columns, self._comma
        labels, label_of = self._labels(columns)
        parts = [
            (
                texts([self._before(batch.kind, *pair) for pair in columns[batch.pairs, :2].tolist()]),
                batch.pair_of,
            ),
            (self._frames(batch), batch.frame_of),
            (labels, label_of),
            (decimals(columns[:, 5], SCORE_PLACES), None),
            comma,
        ]
        if batch.kind == "label":
            parts.append((texts([",,,,,"]), None))
        else:
            for edge in range(6, 10):
                parts += [(decimals(columns[:, edge], BOX_PLACES), None), comma]
            parts += [(whole_or_nothing(columns[:, 10], NONE), None), comma]
        return joined([*parts, (whole(columns[:, 3]), None)], len(columns))

    def _before(self, kind: FlatKind, source: int, model: int) -> str:
        """The cells up to the number of the frame."""
        facts = self._rows.source(source)
        cells = (kind, facts.shown, facts.kind, facts.width, facts.height, self._rows.models[model].name)
        return ",".join(map(self._cell, cells)) + ","

    def _frames(self, batch: FlatBatch) -> UInt8Array:
        """The cells from the number of the frame to its audio track, each with a comma."""
        comma = self._comma
        moments = np.rint(batch.times * 10**TIME_DECIMALS).astype(np.int64)
        parts = [
            (whole(batch.columns[batch.frames, 2]), None),
            comma,
            *((decimals(moments[:, 0], TIME_DECIMALS), None), comma),
            *((decimals(moments[:, 1], TIME_DECIMALS), None), comma),
            (whole_or_nothing(batch.audio_tracks, NONE), None),
            comma,
        ]
        return side_by_side(parts, slice(0, len(batch.frames)))

    def _labels(self, columns: Int64Array) -> tuple[UInt8Array, NDArray[np.intp]]:
        """The cells of the class's name and number, and which of them each row has."""
        keys, places = distinct_classes(columns)
        names = self._rows.names
        return texts([f"{self._cell(names[model][one])},{one}," for model, one in keys]), places
