"""The folder of downloaded models: one folder per model, its lock beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from mediaml.core.atomic_file import write_atomically
from mediaml.core.cache_folder import CACHE, cache_folder
from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile, is_model_name
from mediaml.core.errors import ModelError
from mediaml.store.digest import sha256_of
from mediaml.store.partial_file import PartialFile

_TRUSTED = "trusted.json"
_GRACE_S = 0.5


class FileState(StrEnum):
    """The states of a file in the cache."""

    HERE = "here"
    MISSING = "missing"
    WRONG = "wrong checksum"
    NO_CHECKSUM = "no checksum is known"


@dataclass(frozen=True, slots=True)
class Cache:
    """Fetched models below one folder, `NAME/FILE`; the same layout serves as a mirror.

    Attributes:
        folder: need not exist yet.
    """

    folder: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Cache:
        """Below `MEDIAML_CACHE`, else where this system keeps the caches of a user."""
        return cls(cache_folder(environment) / "models")

    def home(self, name: str) -> Path:
        """The folder of a model."""
        return self.folder / name

    def path(self, entry: CatalogueEntry, file: CatalogueFile) -> Path:
        """Where a file of a model is once it is verified."""
        return self.home(entry.name) / file.name

    def part(self, entry: CatalogueEntry, file: CatalogueFile) -> PartialFile:
        """The partial file while it is downloaded."""
        return PartialFile(self.path(entry, file))

    def promised(self, entry: CatalogueEntry, file: CatalogueFile) -> str:
        """The checksum a file must have: the catalogue's, else the one that `--trust` noted; may be empty."""
        return file.sha256 or self._trusted(entry.name).get(file.name, "")

    def trust(self, entry: CatalogueEntry, file: CatalogueFile, sha256: str) -> None:
        """Note the checksum that a file without one had when the user trusted it.

        Raises:
            ModelError: the note cannot be written.
        """
        known = self._trusted(entry.name) | {file.name: sha256}
        note = self.home(entry.name) / _TRUSTED
        write_atomically(note, msgspec.json.encode(known), error=ModelError, durable=True)

    def file_state(self, entry: CatalogueEntry, file: CatalogueFile) -> FileState:
        """Whether a file is here with the right checksum; reads all of it.

        Raises:
            OSError: the file cannot be read.
        """
        path, promised = self.path(entry, file), self.promised(entry, file)
        if not path.is_file():
            return FileState.MISSING
        if not promised:
            return FileState.NO_CHECKSUM
        size_fits = file.size is None or path.stat().st_size == file.size
        return FileState.HERE if size_fits and sha256_of(path) == promised else FileState.WRONG

    def has(self, entry: CatalogueEntry) -> bool:
        """Whether all files are here, by name and size; `file_state` verifies them."""
        return all(
            path.is_file() and file.size in (None, path.stat().st_size)
            for file in entry.files
            for path in [self.path(entry, file)]
        )

    def models(self) -> Iterator[str]:
        """Names of the models that have files here, sorted, whether the catalogue knows them or not."""
        if self.folder.is_dir():
            names = (path.name for path in self.folder.iterdir() if path.is_dir())
            yield from sorted(name for name in names if is_model_name(name) and self.used(name))

    def used(self, name: str) -> int:
        """Bytes that a model takes on disk, files that are under way included."""
        return sum(path.stat().st_size for path in self.home(name).rglob("*") if path.is_file())

    def remove(self, name: str) -> int:
        """Remove a model; returns the bytes that were freed.

        Raises:
            ModelError: the folder cannot be removed.
        """
        freed = self.used(name)
        try:
            shutil.rmtree(self.home(name))
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise ModelError(f"{self.home(name)} cannot be removed: {error.strerror}.") from error
        return freed

    @contextmanager
    def lock(self, name: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold a model's lock, which the system releases when the process dies.

        Args:
            waiting: called once when another process holds it.

        Raises:
            ModelError: the cache folder cannot be written.
        """
        try:
            self.home(name).mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / f".{name}.lock")
            try:
                lock.acquire(timeout=_GRACE_S)
            except Timeout:
                waiting()
                lock.acquire()
        except OSError as error:
            raise ModelError(
                f"the model cache {self.folder} cannot be written: {error.strerror}.",
                f"Set {CACHE} to a writable folder.",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def room_for(self, size: int, name: str) -> None:
        """Check that a download fits on the disk.

        Raises:
            ModelError: the disk has less than `size` bytes left.
        """
        free = shutil.disk_usage(self.home(name)).free
        if free < size:
            raise ModelError(
                f"{name} needs {size / 1e6:.0f} MB, and {self.folder} has {free / 1e6:.0f} MB left.",
                f"Free some space (`mediaml models rm NAME`), or set {CACHE} to another disk.",
            )

    def _trusted(self, name: str) -> dict[str, str]:
        try:
            return msgspec.json.decode((self.home(name) / _TRUSTED).read_bytes(), type=dict[str, str])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}
