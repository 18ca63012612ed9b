"""Text features kept on disk: the same prompts are passed through the text tower once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from mediaml.plugin import Array, Float32Array

_FORMAT = b"text features 1"


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Below `MEDIAML_CACHE`, else where this system keeps the caches of a user."""
    named = environment.get("MEDIAML_CACHE")
    if named:
        return Path(named).expanduser() / "text-features"
    import platformdirs

    return platformdirs.user_cache_path("mediaml", appauthor=False) / "text-features"


def tower_digest(tower: Path) -> str:
    """sha256 of a tower's file and of the files of its external data, whose names begin with its name."""
    digest = hashlib.sha256()
    for path in sorted(tower.parent.glob(f"{tower.name}*")):
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class TextCache:
    """Features by what they were made from: the tower's bytes and the token ids.

    A cache that cannot be read or written costs time, never the run.
    """

    def __init__(self, folder: Path, tower: str) -> None:
        self._folder = folder / tower[:16]
        self._tower = tower

    def path(self, ids: Array, templates: int) -> Path:
        """The cache file of the features of these token ids, averaged over so many templates."""
        shape = f"{self._tower} {ids.shape} {templates}".encode()
        digest = hashlib.sha256(_FORMAT + shape + np.ascontiguousarray(ids).tobytes())
        return self._folder / f"{digest.hexdigest()}.npy"

    def load(self, path: Path, count: int) -> Float32Array | None:
        """Features float32 [count, dimensions]; `None` where they are not there or damaged."""
        try:
            kept = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        sound = kept.dtype == np.float32 and kept.ndim == 2 and len(kept) == count
        return kept if sound and bool(np.isfinite(kept).all()) else None

    def save(self, path: Path, features: Float32Array) -> None:
        """Keep features; written beside its place and renamed into it."""
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    np.save(file, features)
                Path(part).replace(path)
            except BaseException:
                Path(part).unlink(missing_ok=True)
                raise
