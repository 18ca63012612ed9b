"""Every output is written beside its place and renamed into it, so that a half-written file is never met."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mediaml.core.errors import OutputError


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """A binary file that becomes `target` when the `with` block ends well, and vanishes when it does not.

    Raises:
        OutputError: the file cannot be made, written or renamed.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("wb")
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror}.", "Name another folder with -o."
        ) from error
    try:
        with file:
            yield file
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{target} cannot be written: {error.strerror}.", "Make room on that disk and run again."
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
