"""What a run left behind: records, annotated files, what the ledger says of every source."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2

Pictures = tuple[tuple[Fraction | None, str], ...]
"""Of every frame of a file: its time, seconds, and a hash of its pixels."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What has to be the same after an interrupted run.

    Attributes:
        records: lines of `results.jsonl` but the first, which tells of the run and not of the files.
        copies: by path below the output folder, the frames of every annotated file.
        sounds: by path, a hash over times and bytes of all sound packets of every annotated video.
        parts: unfinished files, and segments of videos that are joined.
    """

    records: tuple[bytes, ...]
    copies: dict[str, Pictures]
    sounds: dict[str, str]
    parts: tuple[str, ...]

    def differences(self, other: Remains) -> list[str]:
        """In what this differs from the undisturbed remains `other`; nothing where it does not."""
        wrong = [f"left over: {part}" for part in self.parts]
        if self.records != other.records:
            lost, more = set(other.records) - set(self.records), set(self.records) - set(other.records)
            wrong.append(f"records differ: {len(lost)} lost, {len(more)} more, of {len(other.records)}")
        if self.copies.keys() != other.copies.keys():
            wrong.append(f"annotated files differ: {sorted(self.copies.keys() ^ other.copies.keys())}")
        for name in self.copies.keys() & other.copies.keys():
            if self.copies[name] != other.copies[name]:
                wrong.append(f"frames of {name} differ")
            if self.sounds.get(name) != other.sounds.get(name):
                wrong.append(f"sound of {name} differs")
        return wrong

    def of(self, name: str) -> tuple[tuple[bytes, ...], dict[str, tuple[Pictures, str]]]:
        """The records of frames, and the copies by path, of the source with that name."""
        stem = f"{Path(name).stem}."
        wanted = []
        for line in self.records:
            record = json.loads(line)
            if Path(record["source"]).name == name and "frame" in record:
                wanted.append(line)
        copies = {
            path: (pictures, self.sounds.get(path, ""))
            for path, pictures in self.copies.items()
            if Path(path).name.startswith(stem)
        }
        return tuple(wanted), copies


def remains_of(out: Path) -> Remains:
    """Read what a finished run left in its output folder."""
    results = out / "results.jsonl"
    records = tuple(results.read_bytes().splitlines()[1:]) if results.exists() else ()
    copies: dict[str, Pictures] = {}
    sounds: dict[str, str] = {}
    for path in sorted(out.rglob("*.annotated.*")):
        name = path.relative_to(out).as_posix()
        if path.suffix == ".part":
            continue  # it is among the parts
        copies[name] = _video_frames(path) if path.suffix == ".mp4" else _image_frames(path)
        if path.suffix == ".mp4":
            sounds[name] = _sound(path)
    unfinished = [*out.rglob("*.part"), *out.glob(".segments*")]
    parts = tuple(sorted(path.relative_to(out).as_posix() for path in unfinished))
    return Remains(records, copies, sounds, parts)


def failures_of(out: Path) -> dict[str, str]:
    """By source as it was typed, the type of the error in `failures.jsonl`."""
    return {record["source"]: record["type"] for record in _records(out / "failures.jsonl")}


def sources_of(out: Path) -> Counter[str]:
    """By source as it was typed, the number of its frames in `results.jsonl`."""
    records = _records(out / "results.jsonl")
    return Counter(record["source"] for record in records if "frame" in record)


def _records(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _video_frames(path: Path) -> Pictures:
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return tuple((_time(f), _sum(f.to_ndarray(format="rgb24").tobytes())) for f in frames)


def _time(frame: av.VideoFrame) -> Fraction | None:
    return None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base


def _image_frames(path: Path) -> Pictures:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return ((None, _sum(path.read_bytes() if image is None else image.tobytes())),)


def _sound(path: Path) -> str:
    digest = hashlib.sha256()
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.audio) if container.streams.audio else ():
            digest.update(f"{packet.pts} {packet.duration}".encode() + bytes(packet))
    return digest.hexdigest()


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def ledger(out: Path) -> Iterator[sqlite3.Connection]:
    """The ledger in an output folder, to be read."""
    with closing(sqlite3.connect(f"file:{out / 'ledger.sqlite'}?mode=ro", uri=True, timeout=10)) as database:
        yield database


def integrity(out: Path) -> list[str]:
    """What SQLite finds wrong with the ledger; nothing where it is whole."""
    with ledger(out) as database:
        rows = database.execute("PRAGMA integrity_check").fetchall()
        rows += database.execute("PRAGMA foreign_key_check").fetchall()
    return [f"ledger: {row}" for row in rows if row != ("ok",)]


def count(out: Path, query: str) -> int:
    """A number from the ledger; 0 while there is no ledger with tables."""
    try:
        with ledger(out) as database:
            return int(database.execute(query).fetchone()[0])
    except sqlite3.Error:
        return 0


def slices_done(out: Path) -> int:
    """Number of committed tasks."""
    return count(out, "SELECT count(*) FROM task")


def segments(out: Path) -> dict[str, int]:
    """The whole segments of annotated videos under way: path below `out` and time of writing, ns."""
    found: dict[str, int] = {}
    for record in (out / ".segments").rglob("*.json"):
        with suppress(OSError):  # joined and removed meanwhile
            found[record.relative_to(out).as_posix()] = record.stat().st_mtime_ns
    return found


def standings(out: Path) -> dict[Path, str]:
    """By source: `failed` (by any model), `done`, or `open` where no model has come to its end."""
    with ledger(out) as database:
        rows: list[tuple[Any, ...]] = database.execute(
            "SELECT path, sum(stage IS NOT NULL), max(last) FROM source "
            "LEFT JOIN task ON task.source = source.id GROUP BY source.id"
        ).fetchall()
    return {
        Path(os.fsdecode(path)): "failed" if failed else "done" if last else "open"
        for path, failed, last in rows
    }


def corrupt_counts(out: Path) -> dict[Path, int]:
    """By source: packets and frames that were counted as damaged, by the model that met most."""
    with ledger(out) as database:
        rows: list[tuple[Any, ...]] = database.execute(
            "SELECT path, max(corrupt) FROM source JOIN task ON task.source = source.id GROUP BY source.id"
        ).fetchall()
    return {Path(os.fsdecode(path)): corrupt for path, corrupt in rows}


def without_status(out: Path, files: Iterable[Path]) -> list[Path]:
    """Files of which the ledger says neither that they are done nor that they failed."""
    known = standings(out)
    return [path for path in files if known.get(path, "open") == "open"]
