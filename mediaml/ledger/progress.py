"""The progress of each model, and the speed of past runs, for `mediaml status`."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mediaml.core.location import Url, location_of
from mediaml.core.media import Kind
from mediaml.ledger.schema import CURRENT_PREFIX, RUN_PREFIX
from mediaml.ledger.task_progress import same_lineage


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """The progress of one model, as numbers of sources.

    Attributes:
        model: its name.
        identity: its weights' file and its options, where several identities of that name are in the ledger;
            else empty. Versions of one identity count together.
        current: whether it is the identity that was asked for last.
        done, failed, under_way: of files that are as they were, by the newest version.
        stale: answered by another version than the installed one, or the file has changed or is gone since.
        missing: not begun, of the kinds that the model accepts; only of a current one.
        frames: answered in all.
    """

    model: str
    done: int
    failed: int
    under_way: int
    stale: int
    missing: int
    frames: int
    identity: str = ""
    current: bool = True


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run: when it started and ended, UTC in ISO 8601, and what it processed.

    Attributes:
        finished_at, frames, seconds: `None` where it was killed.
    """

    started_at: str
    finished_at: str | None
    frames: int | None
    seconds: float | None


@dataclass(slots=True)
class _Standing:
    """The sources of one identity of a model, counted."""

    name: str
    weights: str
    options: str
    current: bool
    states: Counter[str] = field(default_factory=Counter)
    begun: set[int] = field(default_factory=set)
    frames: int = 0


def progress(
    db: sqlite3.Connection, reads: Callable[[str, Kind], bool], outdated: Callable[[str, str], bool]
) -> list[ProgressRow]:
    """A row for each identity of each model, by name; the one that was asked for last comes first.

    Args:
        reads: whether the model of that name accepts that kind.
        outdated: whether the plugin, by its module, is of another version than this one by now.
    """
    standings = _standings(db, outdated)
    kinds = [(row[0], Kind(row[1])) for row in db.execute("SELECT id, kind FROM source WHERE kind NOTNULL")]
    alike = Counter(one.name for one in standings)
    return [
        ProgressRow(
            one.name,
            done=one.states["done"],
            failed=one.states["failed"],
            under_way=one.states["open"],
            stale=one.states["stale"],
            missing=sum(
                one.current and source not in one.begun and reads(one.name, kind) for source, kind in kinds
            ),
            frames=one.frames,
            identity=_described(one, standings) if alike[one.name] > 1 else "",
            current=one.current,
        )
        for one in sorted(standings, key=lambda one: (one.name, not one.current))
    ]


def _standings(db: sqlite3.Connection, outdated: Callable[[str, str], bool]) -> list[_Standing]:
    """One per identity, in the order in which they came."""
    changed = _changed(db)
    found: dict[tuple[str, ...], _Standing] = {}
    rows = db.execute(
        "SELECT name, plugin, weights_sha256, options, weights, version, source, frames, newest, asked, "
        "state FROM "
        "(SELECT model.name, model.plugin, model.weights_sha256, model.options, model.weights, "
        "model.version, model.id, source, sum(frames) AS frames, models.current AS asked, "
        f"NOT EXISTS (SELECT 1 FROM model AS other WHERE {same_lineage('model')} AND other.id > model.id) "
        "OR model.id = CAST(meta.value AS INTEGER) AS newest, "
        "CASE WHEN sum(stage IS NOT NULL) THEN 'failed' WHEN max(last) THEN 'done' ELSE 'open' END AS state "
        "FROM task JOIN model ON model.id = task.model JOIN models ON models.model_id = model.id "
        "LEFT JOIN meta ON meta.key = ? || model.name GROUP BY model.id, source) ORDER BY id",
        (CURRENT_PREFIX,),
    )
    for *lineage, weights, version, source, frames, newest, current, state in rows:
        key = tuple(lineage)
        one = found.setdefault(key, _Standing(lineage[0], weights, lineage[-1], bool(current)))
        stale = state != "failed" and (not newest or source in changed or outdated(lineage[1], version))
        one.states["stale" if stale else state] += 1
        one.begun.add(source)
        one.frames += frames
    return list(found.values())


def _described(one: _Standing, standings: Sequence[_Standing]) -> str:
    """The weights and those options in which identities of one model differ."""
    decoded = [
        msgspec.json.decode(other.options, type=dict[str, Any])
        for other in standings
        if other.name == one.name
    ]
    mine: dict[str, Any] = msgspec.json.decode(one.options, type=dict[str, Any])
    differing = [name for name in sorted(mine) if any(other.get(name) != mine[name] for other in decoded)]
    return ", ".join([one.weights or "no weights", *(f"{name}={mine[name]}" for name in differing)])


def _changed(db: sqlite3.Connection) -> set[int]:
    """Sources whose file is missing or changed: by digest, or else by size and time."""
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
