"""Files of a model that were downloaded elsewhere: copied into the cache once they are verified."""

from __future__ import annotations

from pathlib import Path

from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.core.errors import ChecksumError, ModelError
from mediaml.store.cache import Cache
from mediaml.store.digest import sha256_of
from mediaml.store.watcher import Watcher

_CHUNK = 1 << 20


def find_brought(origin: Path, entry: CatalogueEntry, file: CatalogueFile, promised: str) -> Path | None:
    """Where a model's file is in `origin`; `None` where it is not there.

    Args:
        origin: a folder that holds the files by name, or laid out as the cache; or one file, known by its
            name, by being the only one the model has, or by its checksum.
    """
    if origin.is_dir():
        for name in (f"{entry.name}/{file.name}", file.name, file.base):
            if (origin / name).is_file():
                return origin / name
        return None
    if not origin.is_file():
        return None
    if origin.name == file.base or len(entry.files) == 1:
        return origin
    known = {other.base for other in entry.files}
    same_size = file.size in (None, origin.stat().st_size)
    found = origin.name not in known and same_size and promised and sha256_of(origin) == promised
    return origin if found else None


def take_in(cache: Cache, entry: CatalogueEntry, file: CatalogueFile, source: Path, watcher: Watcher) -> str:
    """Copy a file into the cache; the caller holds the model's lock.

    Returns:
        Its sha256.

    Raises:
        ChecksumError: it is not the expected file; nothing of it is kept.
        ModelError: it cannot be read or copied.
    """
    promised, part = cache.promised(entry, file), cache.part(entry, file)
    try:
        size = source.stat().st_size
        if file.size not in (None, size):
            raise _not_the_file(source, entry, file, f"it has {size} bytes, not {file.size}")
        watcher.begin(file.base, size, 0)
        part.begin("", "")
        try:
            _copy(source, part.path, watcher)
            came = sha256_of(part.path)
        finally:
            watcher.end()
        if promised and came != promised:
            part.discard()
            raise _not_the_file(source, entry, file, f"its sha256 is {came}, not {promised}")
        part.finish()
    except OSError as error:
        part.discard()
        raise ModelError(f"{source} cannot be copied to {cache.folder}: {error.strerror}.") from error
    return came


def _copy(source: Path, target: Path, watcher: Watcher) -> None:
    have = 0
    with source.open("rb") as reads, target.open("wb") as writes:
        while chunk := reads.read(_CHUNK):
            writes.write(chunk)
            have += len(chunk)
            watcher.reached(have)


def _not_the_file(source: Path, entry: CatalogueEntry, file: CatalogueFile, why: str) -> ChecksumError:
    return ChecksumError(
        f"{source} is not {file.base} of {entry.name}: {why}.", f"Fetch it from {' or '.join(file.urls[:2])}."
    )
