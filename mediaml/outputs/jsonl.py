"""Results as JSON lines: first the run, then one line per frame and model, and one per failure.

The lines are described by `results.schema.json` beside this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import msgspec

from mediaml.core.atomic_file import atomic_file
from mediaml.core.work import Task
from mediaml.ledger.encoding import view_record
from mediaml.ledger.frames import KeptFrame
from mediaml.ledger.result_rows import FailureRow, ModelRow, SourceRow
from mediaml.ledger.results import Results
from mediaml.ledger.shapes import keypoints_of, outline_of
from mediaml.ledger.units import BOX_UNITS, SCORE_UNITS

SCHEMA_VERSION = 2
FILE_NAME = "results.jsonl"

_TIME_DECIMALS = 6


def run_line(header: dict[str, Any], models: Sequence[ModelRow]) -> bytes:
    """The first line: schema version, versions, and every model with the view that its lines show."""
    shown = [
        {
            **asdict(model.identity),
            "options": model.options,
            "view": view_record(model.view),
            **({} if model.clip_frames is None else {"clip_frames": model.clip_frames}),
        }
        for model in models
    ]
    return msgspec.json.encode({"run": {"schema_version": SCHEMA_VERSION, **header, "models": shown}})


def frame_line(source: SourceRow, model: ModelRow, frame: KeptFrame) -> bytes:
    """What one model predicted for one frame."""
    names = frame.names
    of_track = {} if frame.audio_track is None else {"audio_track": frame.audio_track}
    return msgspec.json.encode(
        {
            "source": source.shown,
            "kind": source.kind,
            "frame": frame.frame,
            "time_s": round(frame.time_s, _TIME_DECIMALS),
            "duration_s": round(frame.duration_s, _TIME_DECIMALS),
            "model": model.name,
            **of_track,
            **({} if frame.same_as is None else {"same_as": frame.same_as}),
            "labels": [
                {"label": names[class_], "score": score / SCORE_UNITS} for class_, score in frame.labels
            ],
            "detections": [_detection(names, *columns) for columns in frame.detections],
        }
    )


def _detection(
    names: dict[int, str],
    class_: int,
    score: int,
    left: int,
    top: int,
    right: int,
    bottom: int,
    track: int | None,
    outline: bytes | None,
    keypoints: bytes | None,
) -> dict[str, Any]:
    """A detection from its columns; no `Detection` in between, because there may be millions."""
    box = (left / BOX_UNITS, top / BOX_UNITS, right / BOX_UNITS, bottom / BOX_UNITS)
    record: dict[str, Any] = {"label": names[class_], "score": score / SCORE_UNITS, "box": box}
    if track is not None:
        record["track"] = track
    if outline is not None:
        record["outline"] = outline_of(outline)
    if keypoints is not None:
        record["keypoints"] = [(point.x, point.y, point.score) for point in keypoints_of(keypoints)]
    return record


def failure_line(row: FailureRow) -> bytes:
    """One source that failed for one model, or for which an output could not be written."""
    failure = row.failure
    return msgspec.json.encode(
        {
            "source": row.source.shown,
            "kind": row.source.kind,
            "model": row.model,
            **({"output": row.output} if row.output else {}),
            "failure": {"stage": failure.stage, "type": failure.type, "message": failure.message},
        }
    )


def source_lines(results: Results, source: SourceRow) -> Iterator[bytes]:
    """The lines of one source: its frames by model, then its failures."""
    for model, frame in results.kept(source.id):
        yield frame_line(source, model, frame)
    for row in results.failures(source.id):
        yield failure_line(row)


def task_lines(results: Results, task: Task) -> Iterator[bytes]:
    """The lines of one committed task: its frames, or its failure."""
    source = results.source(task.source)
    for model, frame in results.kept(task.source, task=task):
        yield frame_line(source, model, frame)
    for row in results.failures(task.source, task=task):
        yield failure_line(row)


def lines(results: Results) -> Iterator[bytes]:
    """All lines in the views of the latest runs, sources in the order they were given."""
    yield run_line(results.latest_header(), results.models())
    for source in results.sources():
        yield from source_lines(results, source)


def write_results(results: Results, folder: Path) -> Path:
    """Derive `results.jsonl` in `folder`; returns its path.

    Raises:
        OutputError: it cannot be written.
    """
    target = folder / FILE_NAME
    with atomic_file(target) as file:
        for line in lines(results):
            write_line(file, line)
    return target


def write_line(file: IO[bytes], line: bytes) -> None:
    """Write one line with its end."""
    file.write(line + b"\n")


class ResultsJsonl:
    """The `Output` `results.jsonl`."""

    name = "jsonl"

    def write(self, results: Results, folder: Path) -> Path:
        """See `write_results`."""
        return write_results(results, folder)
