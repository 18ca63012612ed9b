"""What the checksums of a ledger's rows are sums of, as SQL.

Each task carries the sum of a hash over its own row and all rows of its frames; each derived slice the sum
over its own row and the track numbers of its frames. Sums add up, so one pass over each table checks many.
"""

from __future__ import annotations

import sqlite3
import zlib
from typing import Any

# A prime, so that no change of a number is lost below it; products stay within 63 bits.
_PRIME = 2_147_483_647
_FACTORS = (15485863, 32452843, 49979687, 67867967, 86028121, 104395301, 122949823, 86028157, 15485867)

TASK_ROW = (
    "crc32(task.slice, task.frames, task.last, task.stage, task.error, task.message, task.expected, "
    "task.decoded, task.corrupt, task.gaps, task.cut)"
)
# Rows of ledgers older than `same_as` keep their sums.
PREDICTION_ROW = (
    "(crc32(frame, slice, time_s, duration_s, embedding, picture, audio_track) + coalesce(same_as + 1, 0))"
)
CLASS_SUM = "crc32(model, id, name)"
SOURCE_SUM = "crc32(path, shown, name, kind, info)"
DERIVATION_SUM = "crc32(id, kind, options, version)"


def _mixed(*columns: str) -> str:
    """SQL that hashes whole numbers; in C, where a Python function would take six times as long."""
    terms = (
        f"coalesce({name}, -1) % {_PRIME} * {factor}" for name, factor in zip(columns, _FACTORS, strict=False)
    )
    return f"(({' + '.join(terms)}) % {_PRIME})"


LABEL_ROW = _mixed("frame", "n", "class", "score")
# Few models find shapes: their checksum, which takes a call of Python, is taken only where there is one.
_SHAPE = "CASE WHEN outline IS NULL AND keypoints IS NULL THEN 0 ELSE crc32(frame, n, outline, keypoints) END"
_BOX = _mixed("frame", "n", "class", "score", "left", "top", "right", "bottom", "track")
DETECTION_ROW = f"({_BOX} + {_SHAPE})"
TRACK_ROW = _mixed("frame", "n", "track")
PICTURE_ROW = "crc32(picture_file.slice, part, name, sha256, picture_file.size, first, last, width, height)"
DERIVED_ROW = "crc32(derived_slice.slice, state)"
"""SQL: the hash of one row, by table."""

# Left to itself, SQLite goes through all frames of the model for those of one slice.
_IN_TASK = (
    "prediction INDEXED BY prediction_task "
    "WHERE source = task.source AND model = task.model AND slice = task.slice"
)
_SPAN = (
    "source = task.source AND model = task.model AND frame BETWEEN "
    f"(SELECT min(frame) FROM {_IN_TASK}) AND "
    f"(SELECT max(frame) FROM {_IN_TASK})"
)
TASK_SUM = (
    f"({TASK_ROW} + (SELECT coalesce(sum({PREDICTION_ROW}), 0) FROM {_IN_TASK})"
    f" + (SELECT coalesce(sum({LABEL_ROW}), 0) FROM label WHERE {_SPAN})"
    f" + (SELECT coalesce(sum({DETECTION_ROW}), 0) FROM detection WHERE {_SPAN})"
    f" + (SELECT coalesce(sum({PICTURE_ROW}), 0) FROM picture_file WHERE source = task.source "
    "AND model = task.model AND slice = task.slice))"
)
"""SQL: what the checksum of a row of `task` should be."""
_OF_SLICE = _SPAN.replace("task.", "derived_slice.")
DERIVED_SUM = (
    f"({DERIVED_ROW} + (SELECT coalesce(sum({TRACK_ROW}), 0) FROM track "
    f"WHERE {_OF_SLICE} AND derivation = derived_slice.derivation))"
)
"""SQL: what the checksum of a row of `derived_slice` should be."""

_ONE = "source = ?1 AND model = ?2"
PAIR_DIFFERENCE = (
    f"SELECT (SELECT coalesce(sum(checksum - {TASK_ROW}), 0) FROM task WHERE {_ONE})"
    f" - (SELECT coalesce(sum({PREDICTION_ROW}), 0) FROM prediction WHERE {_ONE})"
    f" - (SELECT coalesce(sum({LABEL_ROW}), 0) FROM label WHERE {_ONE})"
    f" - (SELECT coalesce(sum({DETECTION_ROW}), 0) FROM detection WHERE {_ONE})"
    f" - (SELECT coalesce(sum({PICTURE_ROW}), 0) FROM picture_file WHERE {_ONE}), "
    f"(SELECT coalesce(sum(frames), 0) FROM task WHERE {_ONE}), "
    f"(SELECT count(*) FROM prediction WHERE {_ONE})"
)
SLICE_DIFFERENCE = (
    f"SELECT checksum - {TASK_SUM}, frames, (SELECT count(*) FROM {_IN_TASK}) "
    "FROM task WHERE source = ?1 AND model = ?2 AND slice = ?3"
)
"""SQL: for a source and model, or a slice of them: checksums less the sums that they should be, the number of
frames that were committed, and that are there."""
DERIVED_DIFFERENCE = (
    f"SELECT (SELECT coalesce(sum(checksum - {DERIVED_ROW}), 0) FROM derived_slice "
    f"WHERE {_ONE} AND derivation = ?3)"
    f" - (SELECT coalesce(sum({TRACK_ROW}), 0) FROM track WHERE {_ONE} AND derivation = ?3)"
)
DERIVED_SLICE_DIFFERENCE = (
    f"SELECT checksum - {DERIVED_SUM} FROM derived_slice WHERE {_ONE} AND derivation = ?3 AND slice = ?4"
)
"""SQL: the same difference for what was derived from a source and model by one derivation, or for a slice."""


def crc32(*values: Any) -> int:
    """CRC-32 over values of SQLite, in order."""
    return zlib.crc32(b"".join([one if type(one) is bytes else repr(one).encode() for one in values]))


def add_functions(db: sqlite3.Connection) -> None:
    """Let a connection compute and check sums."""
    db.create_function("crc32", -1, crc32, deterministic=True)
