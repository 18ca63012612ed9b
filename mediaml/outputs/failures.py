"""`failures.jsonl`: what failed, one line per source and model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from mediaml.core.atomic_file import atomic_file
from mediaml.ledger.result_rows import FailureRow
from mediaml.ledger.results import Results

FILE_NAME = "failures.jsonl"


def failure_record(row: FailureRow) -> dict[str, Any]:
    """One failure: the file, the stage, the error, and what the reader counted before it."""
    accounts = row.accounts
    return {
        "source": row.source.shown,
        "path": os.fsencode(str(row.source.path)).decode("utf-8", "backslashreplace"),
        "kind": row.source.kind,
        "model": row.model,
        **({"output": row.output} if row.output else {}),
        "stage": row.failure.stage,
        "type": row.failure.type,
        "message": row.failure.message,
        "frames": {
            "expected": accounts.expected,
            "decoded": accounts.decoded,
            "corrupt": accounts.corrupt,
            "gaps": accounts.gaps,
        },
    }


def write_failures(results: Results, folder: Path) -> Path | None:
    """Derive `failures.jsonl` in `folder`; where nothing failed there is no such file, and `None`.

    Raises:
        OutputError: it cannot be written.
    """
    target = folder / FILE_NAME
    rows = list(results.failures())
    if not rows:
        target.unlink(missing_ok=True)
        return None
    with atomic_file(target) as file:
        for row in rows:
            file.write(msgspec.json.encode(failure_record(row)) + b"\n")
    return target


class FailuresJsonl:
    """The `Output` `failures.jsonl`."""

    name = "failures"

    def write(self, results: Results, folder: Path) -> Path | None:
        """See `write_failures`."""
        return write_failures(results, folder)
