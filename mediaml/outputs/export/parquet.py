"""Parquet: the rows of the CSV export, typed and compressed; needs the extra `parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.errors import OutputError
from mediaml.ledger.flat_rows import KINDS, NONE, FlatBatch, FlatRows, distinct_classes
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
    with rows.checked(), pq.ParquetWriter(target, schema, compression="zstd") as file:
        waiting: list[Any] = []
        for batch in chain.from_iterable(map(rows.batches, KINDS)):
            waiting.append(_table(pa, schema, rows, batch))
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


def _table(pa: Any, schema: Any, rows: FlatRows, batch: FlatBatch) -> Any:
    """One batch as an Arrow table."""
    source, model, frame, n, class_, score, *box = batch.columns.T
    pair, at = batch.pair_of, batch.frame_of
    facts = [rows.source(one) for one in source[batch.pairs].tolist()]
    names = [rows.models[one].name for one in model[batch.pairs].tolist()]
    audio_tracks = [None if one == NONE else one for one in batch.audio_tracks.tolist()]
    keys, label_of = distinct_classes(batch.columns)
    labels = [rows.names[one][number] for one, number in keys]
    time_s, duration_s = np.round(batch.times, TIME_DECIMALS).T
    columns = {
        "type": _repeated(pa, pa.string(), [batch.kind], np.zeros(len(source), np.int32)),
        "source": _repeated(pa, pa.string(), [one.shown for one in facts], pair),
        "kind": _repeated(pa, pa.string(), [one.kind for one in facts], pair),
        "width": _repeated(pa, pa.int32(), [one.width for one in facts], pair),
        "height": _repeated(pa, pa.int32(), [one.height for one in facts], pair),
        "model": _repeated(pa, pa.string(), names, pair),
        "frame": frame,
        "time_s": time_s[at],
        "duration_s": duration_s[at],
        "audio_track": _repeated(pa, pa.int32(), audio_tracks, at),
        "label": _repeated(pa, pa.string(), labels, label_of),
        "class_id": class_.astype(np.int32),
        "score": score / SCORE_UNITS,
        "n": n.astype(np.int32),
    }
    if batch.kind == "label":
        columns |= {name: pa.nulls(len(source), schema.field(name).type) for name in _DETECTION_ONLY}
    else:
        edges = [edge / BOX_UNITS for edge in box[:4]]
        track = pa.array(box[4], mask=box[4] == NONE)
        columns |= dict(zip(_DETECTION_ONLY, [*edges, track], strict=True))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _repeated(pa: Any, type_: Any, values: Sequence[Any], places: Array) -> Any:
    """A column of few distinct values, given by their places."""
    return pa.array(values, type_).take(pa.array(places.astype(np.int32)))
