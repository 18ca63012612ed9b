"""The ledger as JSON lines: first the run, then a line a frame, and a line a failure.

The lines are described by `results.schema.json` beside this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from mediaml.core.atomic_file import atomic_file
from mediaml.core.errors import OutputError
from mediaml.core.work import Task
from mediaml.ledger.view import AnswerRow, FailureRow, SourceRow, View

SCHEMA_VERSION = 1
FILE_NAME = "results.jsonl"

_TIME_DECIMALS = 6


def schema() -> dict[str, Any]:
    """The JSON Schema of one line."""
    path = Path(__file__).with_name("results.schema.json")
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])


def run_line(header: dict[str, Any], models: list[dict[str, Any]]) -> bytes:
    """The first line: schema version, versions, and every model that answered."""
    shown = [{key: value for key, value in model.items() if key != "id"} for model in models]
    return msgspec.json.encode({"run": {"schema_version": SCHEMA_VERSION, **header, "models": shown}})


def frame_line(source: SourceRow, answer: AnswerRow) -> bytes:
    """One model's answer to one frame."""
    return msgspec.json.encode(
        {
            "source": source.shown,
            "kind": source.kind,
            "frame": answer.frame,
            "time_s": round(answer.time_s, _TIME_DECIMALS),
            "duration_s": round(answer.duration_s, _TIME_DECIMALS),
            "plugin": answer.model,
            "labels": msgspec.Raw(answer.labels.encode()),
            "detections": msgspec.Raw(answer.detections.encode()),
        }
    )


def failure_line(row: FailureRow) -> bytes:
    """One source that failed for one model."""
    failure = row.failure
    return msgspec.json.encode(
        {
            "source": row.source.shown,
            "kind": row.source.kind,
            "plugin": row.model,
            "failure": {"stage": failure.stage, "type": failure.type, "message": failure.message},
        }
    )


def source_lines(view: View, source: SourceRow) -> Iterator[bytes]:
    """Everything that is known of one source: its answers by model and frame, then its failures."""
    for answer in view.answers(source.id):
        yield frame_line(source, answer)
    for row in view.failures(source.id):
        yield failure_line(row)


def task_lines(view: View, task: Task) -> Iterator[bytes]:
    """What came of one committed task: its frames, or its failure."""
    source = view.source(task.source)
    for answer in view.answers(task.source, task=task):
        yield frame_line(source, answer)
    for row in view.failures(task.source, task=task):
        yield failure_line(row)


def lines(view: View) -> Iterator[bytes]:
    """The whole ledger, sources in the order they were given."""
    yield run_line(view.latest_header(), view.models())
    for source in view.sources():
        yield from source_lines(view, source)


def write_results(view: View, folder: Path) -> Path:
    """Derive `results.jsonl` in `folder`; returns its path.

    Raises:
        OutputError: it cannot be written.
    """
    target = folder / FILE_NAME
    with atomic_file(target) as file:
        for line in lines(view):
            write_line(file, line)
    return target


def write_line(file: IO[bytes], line: bytes) -> None:
    """One line and its end.

    Raises:
        BrokenPipeError: the reader of a pipe has gone.
        OutputError: the file cannot be written.
    """
    try:
        file.write(line + b"\n")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"the results cannot be written: {error.strerror}.", "Make room and run again."
        ) from error
