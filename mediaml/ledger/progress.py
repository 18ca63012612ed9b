"""How far each model is with the sources of a ledger, and how quick the runs were: for `mediaml status`."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from mediaml.core.location import Url, location_of
from mediaml.core.media import Kind
from mediaml.ledger.schema import CURRENT_PREFIX, RUN_PREFIX


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """How far one model is, as numbers of sources.

    Attributes:
        model: its name; its versions count together.
        done, failed, under_way: of files that are as they were, by the version that was asked for last.
        stale: answered by another version, or the file has changed or is gone since.
        missing: not begun, of the kinds that the model looks at.
        frames: answered in all.
    """

    model: str
    done: int
    failed: int
    under_way: int
    stale: int
    missing: int
    frames: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run: when it started and ended, UTC in ISO 8601, and what it answered meanwhile.

    Attributes:
        finished_at, frames, seconds: `None` where it was killed.
    """

    started_at: str
    finished_at: str | None
    frames: int | None
    seconds: float | None


def progress(db: sqlite3.Connection, reads: Callable[[str, Kind], bool]) -> list[ProgressRow]:
    """A row for each model, by name.

    Args:
        reads: whether the model of that name looks at that kind.
    """
    changed = _changed(db)
    states: dict[str, Counter[str]] = {}
    begun: dict[str, set[int]] = {}
    frames: Counter[str] = Counter()
    for name, source, answered, current, state in _standings(db):
        stale = state != "failed" and (not current or source in changed)
        states.setdefault(name, Counter())["stale" if stale else state] += 1
        begun.setdefault(name, set()).add(source)
        frames[name] += answered
    kinds = [(row[0], Kind(row[1])) for row in db.execute("SELECT id, kind FROM source WHERE kind NOTNULL")]
    return [
        ProgressRow(
            name,
            done=count["done"],
            failed=count["failed"],
            under_way=count["open"],
            stale=count["stale"],
            missing=sum(source not in begun[name] and reads(name, kind) for source, kind in kinds),
            frames=frames[name],
        )
        for name, count in sorted(states.items())
    ]


def _standings(db: sqlite3.Connection) -> sqlite3.Cursor:
    """By model and source: frames, whether the version that was asked for last answered, how it stands."""
    return db.execute(
        "SELECT model.name, source, sum(frames), "
        "max(coalesce(meta.value = model.id, TRUE)), "
        "CASE WHEN sum(stage IS NOT NULL) THEN 'failed' WHEN max(last) THEN 'done' ELSE 'open' END "
        "FROM task JOIN model ON model.id = task.model "
        "LEFT JOIN meta ON meta.key = ? || model.name GROUP BY model.name, source",
        (CURRENT_PREFIX,),
    )


def _changed(db: sqlite3.Connection) -> set[int]:
    """Sources whose file is gone, or has another size or, where no digest can tell, another time."""
    changed = set()
    rows = db.execute("SELECT id, path, size, mtime_ns, digest FROM source")
    for source, path, size, mtime_ns, digest in rows:
        location = location_of(os.fsdecode(path))
        if isinstance(location, Url):
            continue
        try:
            now = location.stat()
        except OSError:
            changed.add(source)
            continue
        if now.st_size != size or (not digest and now.st_mtime_ns != mtime_ns):
            changed.add(source)
    return changed


def runs(db: sqlite3.Connection) -> list[RunRow]:
    """Every run, oldest first."""
    rows = db.execute(
        "SELECT started_at, finished_at, coalesce(value, '[null, null]') FROM run "
        "LEFT JOIN meta ON key = ? || id ORDER BY id",
        (RUN_PREFIX,),
    )
    return [RunRow(*row[:2], *msgspec.json.decode(row[2])) for row in rows]
