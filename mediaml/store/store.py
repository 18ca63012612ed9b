"""The model store: models of the catalogue are downloaded where they are missing, and verified before use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.core.errors import ModelError, UsageError
from mediaml.store.cache import Cache, FileState
from mediaml.store.catalogue import Catalogue
from mediaml.store.intake import find_brought, take_in
from mediaml.store.network import OFFLINE, Network, is_http_url, megabytes
from mediaml.store.watcher import SilentWatcher, Watcher


@dataclass(frozen=True, slots=True)
class Store:
    """Models of the catalogue on this machine.

    Attributes:
        catalogue: what there is. cache: where it is kept. network: where it may come from.
        watcher: receives the progress of downloads.
    """

    catalogue: Catalogue
    cache: Cache
    network: Network = field(default_factory=Network)
    watcher: Watcher = field(default_factory=SilentWatcher)

    def obtain(self, name: str) -> CatalogueEntry:
        """Make sure that all files of a model are here and verified.

        Raises:
            ModelError: the name is unknown; a file is not here and cannot be fetched, or may not be.
            ChecksumError: only other bytes than the expected ones are available.
        """
        entry = self.catalogue.find(name)
        if self._lacking(entry):
            self.pull(name)
        return entry

    def pull(self, name: str, *, origin: str = "", trust: bool = False) -> CatalogueEntry:
        """Download the files of a model that are missing or wrong.

        Args:
            origin: a file, a folder or an http(s) address (a folder's ends with `/`); nothing else is then
                asked. Empty asks `MEDIAML_MODELS`, then the catalogue's addresses in turn.
            trust: accept files without a known checksum, and note the checksum that they have.

        Raises:
            UsageError: the origin is neither a path nor an http(s) address.
            ModelError, ChecksumError: see `obtain`.
        """
        entry = self.catalogue.find(name)
        self._refuse_unknown(entry, trust)
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", origin) and not is_http_url(origin):
            raise UsageError(f"{origin} is neither a path nor an http or https address.", "Give a path.")
        if origin and not is_http_url(origin) and not Path(origin).exists():
            raise UsageError(f"there is no file or folder {origin}.", "Check the path after --from.")
        with self.cache.lock(
            name, lambda: self.watcher.say(f"{name}: in use by another mediaml process; waiting")
        ):
            lacking = self._lacking(entry)
            if lacking:
                self._bring(entry, lacking, origin)
        return entry

    def file_states(self, entry: CatalogueEntry) -> dict[str, FileState]:
        """The state of every file of a model, by name; reads them all.

        Raises:
            ModelError: a file cannot be read.
        """
        try:
            return {file.name: self.cache.file_state(entry, file) for file in entry.files}
        except OSError as error:
            raise ModelError(f"{error.filename} cannot be read: {error.strerror}.") from error

    def _lacking(self, entry: CatalogueEntry) -> list[CatalogueFile]:
        """The files that are not here, or not right."""
        file_states = self.file_states(entry)
        return [file for file in entry.files if file_states[file.name] is not FileState.HERE]

    def _bring(self, entry: CatalogueEntry, lacking: Sequence[CatalogueFile], origin: str) -> None:
        for file in lacking:
            # A file that is here and still lacking has a wrong checksum: remove it.
            self.cache.path(entry, file).unlink(missing_ok=True)
        left = self._take_brought(entry, lacking, origin)
        if not left:
            return
        if origin and not is_http_url(origin):
            raise ModelError(
                f"{entry.name}: {_names(left)} not in {origin}.",
                f"Put {_names(left)} there and run `mediaml models pull {entry.name} --from {origin}` again.",
            )
        if self.network.offline:
            raise offline_error(entry, left)
        self._download(entry, left, origin)

    def _take_brought(
        self, entry: CatalogueEntry, lacking: Sequence[CatalogueFile], origin: str
    ) -> list[CatalogueFile]:
        """Copy files from the origin or the folder `MEDIAML_MODELS`; returns what is still lacking."""
        folder = Path(origin) if origin and not is_http_url(origin) else self.network.folder
        if folder is None or is_http_url(origin):
            return list(lacking)
        left = []
        for file in lacking:
            source = find_brought(folder, entry, file, self.cache.promised(entry, file))
            if source is None:
                left.append(file)
            else:
                self._keep(entry, file, take_in(self.cache, entry, file, source, self.watcher))
                self.watcher.say(f"{entry.name}: took {file.base} from {source}")
        return left

    def _download(self, entry: CatalogueEntry, files: Sequence[CatalogueFile], origin: str) -> None:
        from mediaml.store.download import download

        size = _size(files)
        self.cache.room_for(size or 0, entry.name)
        self.watcher.say(
            f"{entry.name}: fetching {megabytes(size)} ({_names(files)}) into {self.cache.home(entry.name)}"
        )
        for file in files:
            urls = _urls_below(origin, entry, file) if origin else self.network.urls(entry, file)
            came = download(self.cache, entry, file, urls, policy=self.network.policy, watcher=self.watcher)
            self._keep(entry, file, came)

    def _keep(self, entry: CatalogueEntry, file: CatalogueFile, came: str) -> None:
        if not file.sha256:
            self.cache.trust(entry, file, came)
            self.watcher.say(f"{entry.name}: trusting {file.base}, sha256 {came}")

    def _refuse_unknown(self, entry: CatalogueEntry, trust: bool) -> None:
        unknown = [file for file in entry.without_checksum if not self.cache.promised(entry, file)]
        if unknown and not trust:
            raise ModelError(
                f"{entry.name}: no checksum is known for {_names(unknown)}, so it cannot be verified.",
                f"If you trust where it comes from: `mediaml models pull {entry.name} --trust`.",
            )


def offline_error(entry: CatalogueEntry, missing: Sequence[CatalogueFile]) -> ModelError:
    """What is missing, and how to get it onto a machine without a network."""
    needs = ", ".join(f"{file.base} ({megabytes(file.size)})" for file in missing)
    places = " and ".join(file.urls[0] for file in missing if file.urls)
    return ModelError(
        f"{entry.name} is not downloaded and the network is off (--offline or {OFFLINE}); missing: {needs}.",
        f"Download {places} elsewhere, then run `mediaml models pull {entry.name} --from FOLDER`.",
    )


def _urls_below(origin: str, entry: CatalogueEntry, file: CatalogueFile) -> tuple[str, ...]:
    """The addresses that `--from URL` means for a file: the URL itself, or names below it."""
    if origin.endswith("/"):
        names = (f"{entry.name}/{file.name}", file.name, file.base)
        return tuple(dict.fromkeys(origin + name for name in names))
    last = origin.partition("?")[0].rpartition("/")[2]
    return (origin,) if last == file.base or len(entry.files) == 1 else ()


def _names(files: Iterable[CatalogueFile]) -> str:
    return ", ".join(file.base for file in files)


def _size(files: Iterable[CatalogueFile]) -> int | None:
    sizes = [file.size for file in files]
    return None if None in sizes else sum(size or 0 for size in sizes)
