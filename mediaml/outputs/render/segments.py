"""Where the segments of annotated videos lie until they are joined."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SEGMENTS = ".segments"


def segments_folder(output: Path, source: int) -> Path:
    """Where the segments of a source lie."""
    return output / SEGMENTS / str(source)


def remove_segments(output: Path, sources: Iterable[int]) -> None:
    """Remove what is left of segments of some sources; what cannot be removed stays."""
    if not (output / SEGMENTS).exists():
        return
    for source in sources:
        shutil.rmtree(segments_folder(output, source), ignore_errors=True)
    with suppress(OSError):
        (output / SEGMENTS).rmdir()  # unless sources of other runs are under way
