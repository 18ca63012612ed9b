"""Checksums of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes as 64 lower-case hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and checksums of the files in it.

    Hidden files and what a broken transfer left behind (`.part`, `.part.json`) do not count.

    Raises:
        OSError: a file cannot be read.
    """
    if not path.is_dir():
        return sha256_of(path)
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file()
        and not file.name.startswith(".")
        and not file.name.endswith((".part", ".part.json"))
    )
    return _digest_of_list((file, file.relative_to(path).as_posix()) for file in files)


def digest_with(path: Path, beside: Iterable[Path]) -> str:
    """SHA-256 of the names and checksums of a file and of others beside it.

    Raises:
        OSError: a file cannot be read.
    """
    return _digest_of_list((file, file.name) for file in (path, *beside))


def _digest_of_list(files: Iterable[tuple[Path, str]]) -> str:
    lines = (f"{sha256_of(file)}  {name}\n" for file, name in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
