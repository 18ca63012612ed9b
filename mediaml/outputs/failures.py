"""`failures.jsonl`: what could not be done, a line a source and model, for people and scripts that mend."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from mediaml.core.atomic_file import atomic_file
from mediaml.ledger.view import FailureRow, View

FILE_NAME = "failures.jsonl"


def failure_record(row: FailureRow) -> dict[str, Any]:
    """One failure: the file, the stage, the error, and what the reader met before it."""
    accounts = row.accounts
    return {
        "source": row.source.shown,
        "path": os.fsencode(str(row.source.path)).decode("utf-8", "backslashreplace"),
        "kind": row.source.kind,
        "plugin": row.model,
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


def write_failures(view: View, folder: Path) -> Path | None:
    """Derive `failures.jsonl` in `folder`; where nothing failed there is no such file, and `None`.

    Raises:
        OutputError: it cannot be written.
    """
    target = folder / FILE_NAME
    rows = list(view.failures())
    if not rows:
        target.unlink(missing_ok=True)
        return None
    with atomic_file(target) as file:
        for row in rows:
            file.write(msgspec.json.encode(failure_record(row)) + b"\n")
    return target
