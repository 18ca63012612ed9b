"""Parquet: the rows of the CSV export, typed and compressed; needs the extra `parquet`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.errors import OutputError
from mediaml.ledger.flat_rows import FlatKind, FlatRow, FlatRows, FrameKey, FrameTimes
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
    with pq.ParquetWriter(target, schema, compression="zstd") as file:
        waiting: list[Any] = []
        for kind in kinds:
            times = rows.times()
            for batch in rows.batches(kind):
                waiting.append(_table(pa, schema, rows, kind, batch, times))
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


def _table(
    pa: Any,
    schema: Any,
    rows: FlatRows,
    kind: FlatKind,
    batch: list[FlatRow],
    times: Callable[[FrameKey], FrameTimes],
) -> Any:
    """One batch as an Arrow table."""
    source, model, frame, n, class_, score, *box = (np.asarray(column) for column in zip(*batch, strict=True))
    new_pair = (np.diff(source, prepend=-1) != 0) | (np.diff(model, prepend=-1) != 0)
    new_frame = new_pair | (np.diff(frame, prepend=-1) != 0)
    facts = [rows.source(int(one)) for one in source[new_pair]]
    names = [rows.models[int(one)].name for one in model[new_pair]]
    keys = zip(*(column[new_frame].tolist() for column in (source, model, frame)), strict=True)
    time_s, duration_s, audio_track = zip(*map(times, keys), strict=True)
    pair, at = np.cumsum(new_pair) - 1, np.cumsum(new_frame) - 1
    columns = {
        "type": _repeated(pa, pa.string(), [kind], np.zeros(len(batch), np.int32)),
        "source": _repeated(pa, pa.string(), [one.shown for one in facts], pair),
        "kind": _repeated(pa, pa.string(), [one.kind for one in facts], pair),
        "width": _repeated(pa, pa.int32(), [one.width for one in facts], pair),
        "height": _repeated(pa, pa.int32(), [one.height for one in facts], pair),
        "model": _repeated(pa, pa.string(), names, pair),
        "frame": frame,
        "time_s": np.round(time_s, TIME_DECIMALS)[at],
        "duration_s": np.round(duration_s, TIME_DECIMALS)[at],
        "audio_track": _repeated(pa, pa.int32(), audio_track, at),
        "label": _class_names(pa, rows, model, class_),
        "class_id": class_.astype(np.int32),
        "score": score / SCORE_UNITS,
        "n": n.astype(np.int32),
    }
    if kind == "label":
        columns |= {name: pa.nulls(len(batch), schema.field(name).type) for name in _DETECTION_ONLY}
    else:
        edges = [edge / BOX_UNITS for edge in box[:4]]
        track = pa.array(box[4].tolist(), pa.int64())
        columns |= dict(zip(_DETECTION_ONLY, [*edges, track], strict=True))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _class_names(pa: Any, rows: FlatRows, model: Array, class_: Array) -> Any:
    keys, places = np.unique(np.stack([model, class_]), axis=1, return_inverse=True)
    names = [rows.names[one][number] for one, number in keys.T.tolist()]
    return _repeated(pa, pa.string(), names, places.ravel())


def _repeated(pa: Any, type_: Any, values: Sequence[Any], places: Array) -> Any:
    """A column of few distinct values, given by their places."""
    return pa.array(values, type_).take(pa.array(places.astype(np.int32)))
