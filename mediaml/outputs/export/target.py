"""Where an export goes: written beside its place and put there whole, and nothing of the user's replaced."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mediaml.core.atomic_file import writing
from mediaml.core.errors import OutputError

MARK = ".mediaml-export"
"""An empty file in every exported folder: only a folder that has one is overwritten."""


@contextmanager
def replaced(target: Path, *, folder: bool | None, overwrite: bool) -> Iterator[Path]:
    """A path beside `target` to write to, which becomes `target` when the block succeeds; else it is removed.

    What the system refuses within the block is raised as an error that names `target`.

    Args:
        folder: whether it is a folder, which is made; `None` leaves that to the block.
        overwrite: whether `target` may exist; a folder must have been written by an export.

    Raises:
        OutputError: `target` exists and may not be overwritten, or cannot be written.
    """
    _check(target, folder=folder, overwrite=overwrite)
    part, old = (target.with_name(f"{target.name}.{ending}") for ending in ("part", "old"))
    try:
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove(part)
            if folder:
                part.mkdir()
            yield part
            if part.is_dir():
                (part / MARK).touch()
                _remove(old)
                if target.exists():
                    target.rename(old)
            part.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    finally:
        _remove(part)
        _remove(old)


def _check(target: Path, *, folder: bool | None, overwrite: bool) -> None:
    if not target.exists() or (target.is_dir() and folder is not False and not any(target.iterdir())):
        return
    if folder is not None and target.is_dir() != folder:
        was, wanted = ("folder", "file") if target.is_dir() else ("file", "folder")
        raise OutputError(f"{target} is a {was}; this format is a {wanted}.", "Name another one with -o.")
    if not overwrite:
        raise OutputError(f"{target} exists.", "Add --overwrite, or name another one with -o.")
    if target.is_dir() and not (target / MARK).exists():
        raise OutputError(
            f"{target} was not written by an export and is not overwritten.", "Name another one with -o."
        )


def _remove(path: Path) -> None:
    """Remove what is left of an export."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
