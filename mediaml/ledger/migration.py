"""From an older schema version to the current one, in one transaction.

In version 1 predictions were JSON text; version 2 had no derivations, version 3 no files of pictures and no
answers taken over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from mediaml.ledger.checksums import add_functions
from mediaml.ledger.integrity import check_first, seal_asked, seal_source, seal_tasks
from mediaml.ledger.rows import INSERT_DETECTION, INSERT_LABEL, INSERT_PREDICTION, Classes, write_info
from mediaml.ledger.tables import FOURTH_COLUMNS, FOURTH_TABLES, SECOND_TABLES, THIRD_TABLES, VIEWS
from mediaml.ledger.units import box_units, score_units

_ANSWERS = (
    "SELECT source, model, frame, slice, time_s, duration_s, embedding, picture, labels, detections "
    "FROM answer"
)
_BATCH = 1000

Row = tuple[Any, ...]


def migrate(db: sqlite3.Connection) -> None:
    """Bring an older ledger to version 4; all of it or, if the process dies, nothing.

    Raises:
        sqlite3.Error: it cannot be written, or is damaged.
        msgspec.DecodeError: its JSON is damaged.
    """
    add_functions(db)
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()[0]
        # None of them, where another process was quicker.
        if version == "1":
            check_first(db)
            # Its checksums are sums over these, too.
            execute(db, FOURTH_TABLES)
            _to_second(db)
        elif version in {"2", "3"}:
            execute(db, FOURTH_COLUMNS)
        if version in {"1", "2"}:
            execute(db, THIRD_TABLES)
        if version in {"2", "3"}:
            execute(db, FOURTH_TABLES)
        if version in {"1", "2", "3"}:
            _renew_views(db)
            db.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def create(db: sqlite3.Connection) -> None:
    """Create what later versions add to the tables of version 1, within the caller's transaction."""
    execute(db, f"{SECOND_TABLES}{FOURTH_COLUMNS}{THIRD_TABLES}{FOURTH_TABLES}")
    _renew_views(db)


def _to_second(db: sqlite3.Connection) -> None:
    # The rows are moved, and their sums taken, as this version has them.
    execute(db, f"{SECOND_TABLES}{FOURTH_COLUMNS}")
    _move_answers(db)
    _move_facts(db)
    seal_tasks(db)
    for (source,) in db.execute("SELECT id FROM source").fetchall():
        seal_source(db, source)
    seal_asked(db)
    db.execute("DROP TABLE answer")


def _renew_views(db: sqlite3.Connection) -> None:
    for (view,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        db.execute(f'DROP VIEW "{view}"')
    execute(db, VIEWS)


def execute(db: sqlite3.Connection, script: str) -> None:
    """Run the statements of a script; `executescript` would commit before."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)


def _move_answers(db: sqlite3.Connection) -> None:
    classes = Classes(db)
    rows = db.execute(_ANSWERS)
    while batch := rows.fetchmany(_BATCH):
        db.executemany(INSERT_PREDICTION, [(*row[:8], None, None) for row in batch])
        db.executemany(INSERT_LABEL, _labels(classes, batch))
        db.executemany(INSERT_DETECTION, _detections(classes, batch))


def _labels(classes: Classes, batch: Iterable[Row]) -> list[Row]:
    return [row for row, _ in _scored(classes, batch, 8)]


def _detections(classes: Classes, batch: Iterable[Row]) -> list[Row]:
    scored = _scored(classes, batch, 9)
    boxes = box_units([item["box"] for _, item in scored]).tolist()
    return [
        (*row, *box, item.get("track"), None, None) for (row, item), box in zip(scored, boxes, strict=True)
    ]


def _scored(classes: Classes, batch: Iterable[Row], column: int) -> list[tuple[Row, dict[str, Any]]]:
    """What labels and detections have in common, of the JSON in one column: key, place, class and score."""
    items = [
        (row[:3], number, item)
        for row in batch
        for number, item in enumerate(msgspec.json.decode(row[column], type=list[dict[str, Any]]))
    ]
    scores = score_units([item["score"] for *_, item in items]).tolist()
    return [
        ((*key, number, *classes.numbers(key[1], [item["label"]]), score), item)
        for (key, number, item), score in zip(items, scores, strict=True)
    ]


def _move_facts(db: sqlite3.Connection) -> None:
    for source, text in db.execute("SELECT id, info FROM source WHERE info IS NOT NULL").fetchall():
        write_info(db, source, text)
