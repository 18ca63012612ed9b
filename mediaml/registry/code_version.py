"""The version of a plugin's code: what was installed, or the digest of files that were changed since."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

_DIGITS = 8


def code_version(distribution: Distribution, module: str) -> str:
    """The distribution's version, with `+code.DIGEST` where its code is not the code that was released.

    That is an editable installation, a folder on the module path, or installed files that were edited. Code
    counts as Python files of the top-level package of `module`, which must have been imported.

    Sources: PEP 610 (`direct_url.json`, editable), PEP 376 and 427 (`RECORD`), PEP 440 (local versions).
    """
    version = distribution.version
    files = dict(_python_files(module))
    if not files or _is_released(distribution, files):
        return version
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return f"{version}{'.' if '+' in version else '+'}code.{digest.hexdigest()[:_DIGITS]}"


def without_code(version: str) -> str:
    """A version as it was released."""
    released, mark, _ = version.rpartition("code.")
    return released[:-1] if mark else version


def _python_files(module: str) -> Iterator[tuple[str, bytes]]:
    """Content of the Python files of a module's top-level package, by path below the package's parent."""
    file = next(
        (
            Path(found.__file__)
            for name in dict.fromkeys((module.partition(".")[0], module))
            if (found := sys.modules.get(name)) is not None and found.__file__
        ),
        None,
    )
    if file is None or not file.is_file():
        return
    if file.name != "__init__.py":
        yield file.name, file.read_bytes()
        return
    package = file.parent
    for path in package.rglob("*.py"):
        yield path.relative_to(package.parent).as_posix(), path.read_bytes()


def _is_released(distribution: Distribution, files: dict[str, bytes]) -> bool:
    """Whether all files are those of the wheel, by the checksums that were noted at installation."""
    direct_url = distribution.read_text("direct_url.json")
    if direct_url and json.loads(direct_url).get("dir_info", {}).get("editable"):
        return False
    record = distribution.read_text("RECORD")
    if not record:
        return False
    noted = {row[0]: row[1] for row in csv.reader(record.splitlines()) if len(row) >= 2}
    return all(noted.get(name) == _record_hash(content) for name, content in files.items())


def _record_hash(content: bytes) -> str:
    """A checksum as `RECORD` writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
