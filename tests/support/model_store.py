"""A store that fetches, impatient enough for a test, with a catalogue of given entries."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.store.cache import Cache
from mediaml.store.catalogue import Catalogue
from mediaml.store.network import Network, TransferPolicy
from mediaml.store.store import Store
from tests.support.server import BODY

IMPATIENT = TransferPolicy(connect_s=2, silence_s=0.4, tries=2, pause_s=0.01, attempts=6)
SHA256 = hashlib.sha256(BODY).hexdigest()


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.bytes: list[int] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def begin(self, name: str, size: int | None, have: int) -> None:
        self.bytes.append(have)

    def reached(self, have: int) -> None:
        self.bytes.append(have)

    def end(self) -> None:
        pass


def entry(*urls: str, sha256: str = SHA256, size: int | None = len(BODY)) -> CatalogueEntry:
    """A model of one file, `net.onnx`."""
    file = CatalogueFile("net.onnx", urls, sha256, size)
    return CatalogueEntry("net", "a net", "MIT", (file,))


def store(folder: Path, *entries: CatalogueEntry, **network: Any) -> Store:
    """A store in `folder` that knows the entries."""
    catalogue = Catalogue({entry.name: entry for entry in entries})
    settings = Network(**{"policy": IMPATIENT, **network})
    return Store(catalogue, Cache(folder / "models"), settings, Notes())


def left(folder: Path) -> list[str]:
    """Names of all files of the model `net`, sorted."""
    home = folder / "models" / "net"
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
