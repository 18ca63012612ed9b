"""Atomic writes: outputs are written beside their place, then renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mediaml.core.errors import MediamlError, OutputError

Refusal = Callable[[str, str], MediamlError]
"""Makes an error from a message and a hint."""


@contextmanager
def atomic_path(target: Path, *, error: Refusal = OutputError, durable: bool = False) -> Iterator[Path]:
    """A name beside `target` to write to; it becomes `target` when the block succeeds, else it is removed.

    The folder is made. The old `target` stays until then, and if the block fails. Write to the name
    within `writing`.

    Args:
        target: the file to write.
        error: what to raise where the system refuses.
        durable: have the bytes on disk before the name changes, so that a power cut leaves the old file or
            the new one, never an empty one. Costs a wait for the disk.

    Raises:
        MediamlError: made by `error`; the folder cannot be made, or the file not be put in its place.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        with writing(target, error=error):
            target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with writing(target, error=error):
            if durable:
                _flush_to_disk(part)
            part.replace(target)
    except BaseException:
        # The error that led here is the one to report, not that of tidying up.
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_file(target: Path, *, error: Refusal = OutputError, durable: bool = False) -> Iterator[IO[bytes]]:
    """As `atomic_path`, with the file open for writing bytes.

    Raises:
        MediamlError: made by `error`; the file cannot be made, written or put in its place.
    """
    with (
        atomic_path(target, error=error, durable=durable) as part,
        writing(target, error=error),
        part.open("wb") as file,
    ):
        yield file


def write_atomically(
    target: Path, content: bytes, *, error: Refusal = OutputError, durable: bool = False
) -> None:
    """Write a whole file; see `atomic_file`."""
    with atomic_file(target, error=error, durable=durable) as file:
        file.write(content)


@contextmanager
def writing(
    target: Path,
    *,
    error: Refusal = OutputError,
    hint: str = "",
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Turn an error while `target` is written into one message with a hint.

    Args:
        target: the file to name.
        error: what to raise.
        hint: what to do next, where the usual advice does not fit.
        also: what a library raises, beside `OSError`, where it cannot write.

    Raises:
        MediamlError: made by `error`.
    """
    caught: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except caught as reason:
        why = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
        raise error(f"{target} cannot be written: {why}.", hint or _advice(reason, target)) from reason


def _advice(reason: Exception, target: Path) -> str:
    number = reason.errno if isinstance(reason, OSError) else None
    if number in {errno.ENOSPC, errno.EDQUOT}:
        return "Free some space on that disk and run again."
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"Check the permissions of {target.parent}, or choose another folder."
    return "Check that disk and folder, or choose another one."


def _flush_to_disk(path: Path) -> None:
    """Wait until the bytes of a file are on disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
