"""Parquet: the rows of the CSV export, typed and compressed; needs the extra `parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.atomic_file import writing
from mediaml.core.errors import OutputError
from mediaml.ledger.flat_rows import FlatKind, FlatRow, FlatRows
from mediaml.ledger.results import Results
from mediaml.ledger.units import BOX_UNITS, SCORE_UNITS
from mediaml.outputs.export.options import ExportOptions
from mediaml.outputs.export.tables import TIME_DECIMALS

_ROW_GROUP = 500_000
_DETECTION_ONLY = ("left", "top", "right", "bottom", "track")


def write_parquet(results: Results, target: Path, _: ExportOptions) -> None:
    """Write the rows of a ledger as one Parquet file, compressed with Zstandard.

    Raises:
        OutputError: pyarrow is not installed, the file cannot be written, or the ledger is damaged.
    """
    pa, pq = _pyarrow()
    rows = FlatRows(results)
    schema = _schema(pa)
    kinds: tuple[FlatKind, ...] = ("label", "detection")
    with writing(target), pq.ParquetWriter(target, schema, compression="zstd") as file:
        waiting: list[Any] = []
        for kind in kinds:
            for batch in rows.batches(kind):
                waiting.append(_table(pa, schema, rows, kind, batch))
                if sum(len(one) for one in waiting) >= _ROW_GROUP:
                    file.write_table(pa.concat_tables(waiting))
                    waiting = []
        if waiting:
            file.write_table(pa.concat_tables(waiting))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise OutputError(
            "the format parquet needs pyarrow, which is not installed.",
            'Install it with: pip install "mediaml[parquet]"',
        ) from error
    return pa, pq


def _schema(pa: Any) -> Any:
    text, whole, real = pa.string(), pa.int32(), pa.float64()
    types = {
        **{"type": text, "source": text, "kind": text, "width": whole, "height": whole, "model": text},
        **{"frame": pa.int64(), "time_s": real, "duration_s": real, "audio_track": whole},
        **{"label": text, "class_id": whole, "score": real},
        **{"left": real, "top": real, "right": real, "bottom": real, "track": pa.int64(), "n": whole},
    }
    optional = {"kind", "width", "height", "audio_track", *_DETECTION_ONLY}
    return pa.schema([pa.field(name, type_, nullable=name in optional) for name, type_ in types.items()])


def _table(pa: Any, schema: Any, rows: FlatRows, kind: FlatKind, batch: list[FlatRow]) -> Any:
    """One batch as an Arrow table."""
    source, model, frame, time_s, duration_s, audio, n, class_, score, *box = zip(*batch, strict=True)
    facts = {number: rows.source(number) for number in dict.fromkeys(source)}
    pairs = [rows.names[one][number] for one, number in dict.fromkeys(zip(model, class_, strict=True))]
    places = _places(list(zip(model, class_, strict=True)))
    models = {number: rows.models[number].name for number in dict.fromkeys(model)}
    columns = {
        "type": _repeated(pa, [0] * len(batch), [kind]),
        "source": _looked_up(pa, source, {number: one.shown for number, one in facts.items()}),
        "kind": _looked_up(pa, source, {number: one.kind for number, one in facts.items()}),
        "width": _looked_up(pa, source, {number: one.width for number, one in facts.items()}),
        "height": _looked_up(pa, source, {number: one.height for number, one in facts.items()}),
        "model": _looked_up(pa, model, models),
        "frame": pa.array(frame, pa.int64()),
        "time_s": np.round(time_s, TIME_DECIMALS),
        "duration_s": np.round(duration_s, TIME_DECIMALS),
        "audio_track": pa.array(audio, pa.int32()),
        "label": _repeated(pa, places, pairs),
        "class_id": pa.array(class_, pa.int32()),
        "score": np.asarray(score) / SCORE_UNITS,
        "n": pa.array(n, pa.int32()),
    }
    if kind == "label":
        columns |= {name: pa.nulls(len(batch), schema.field(name).type) for name in _DETECTION_ONLY}
    else:
        edges = [np.asarray(edge) / BOX_UNITS for edge in box[:4]]
        columns |= dict(zip(_DETECTION_ONLY, [*edges, pa.array(box[4], pa.int64())], strict=True))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _places(keys: Sequence[Any]) -> list[int]:
    """For each key, its place among the distinct ones in their order."""
    numbers = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return [numbers[key] for key in keys]


def _looked_up(pa: Any, keys: Sequence[int], values: dict[int, Any]) -> Any:
    return _repeated(pa, _places(keys), list(values.values()))


def _repeated(pa: Any, places: Sequence[int], values: Sequence[Any]) -> Any:
    """A column of few distinct values, given by their places."""
    return pa.array(values).take(pa.array(places, pa.int32()))
