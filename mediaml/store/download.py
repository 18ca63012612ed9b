"""Downloads one file of a model from its mirrors in turn, until the checksum is right."""

from __future__ import annotations

import errno
from collections.abc import Sequence

import httpx

from mediaml.core.cache_folder import CACHE
from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.core.errors import ChecksumError, ModelError
from mediaml.store.cache import Cache
from mediaml.store.digest import sha256_of
from mediaml.store.network import TransferPolicy
from mediaml.store.partial_file import PartialFile
from mediaml.store.transfer import RefusedError, fetch, open_client
from mediaml.store.watcher import Watcher


def download(
    cache: Cache,
    entry: CatalogueEntry,
    file: CatalogueFile,
    urls: Sequence[str],
    *,
    policy: TransferPolicy,
    watcher: Watcher,
) -> str:
    """Fetch a file into the cache; the caller holds the model's lock.

    Returns:
        Its sha256: the expected one, or where none is known that of the download.

    Raises:
        ChecksumError: no mirror gave the expected bytes, and one gave others. None of them are kept.
        ModelError: no mirror gave them, the disk is full, or the proxy cannot be used.
    """
    promised, part = cache.promised(entry, file), cache.part(entry, file)
    reasons: dict[str, str] = {}
    wrong = False
    watcher.begin(file.base, file.size, part.size)
    try:
        with open_client(policy) as client:
            for url in urls:
                try:
                    came = _from(client, url, part, file, promised, policy, watcher)
                except RefusedError as error:
                    reasons[_host(url)] = str(error)
                    continue
                if came:
                    part.finish()
                    return came
                wrong = True
                reasons[_host(url)] = "its file has another checksum"
    except OSError as error:
        raise _unwritable(cache, file, error) from error
    finally:
        watcher.end()
    tried = "; ".join(f"{host}: {reason}" for host, reason in reasons.items()) or "no address is known"
    raise (ChecksumError if wrong else ModelError)(
        f"{file.base} of {entry.name} could not be downloaded ({tried}).",
        f"Check network and proxy; or download {urls[0] if urls else file.base} elsewhere and run `mediaml "
        f"models pull {entry.name} --from PATH` (`mediaml models info {entry.name}` lists all files).",
    )


def _from(
    client: httpx.Client,
    url: str,
    part: PartialFile,
    file: CatalogueFile,
    promised: str,
    policy: TransferPolicy,
    watcher: Watcher,
) -> str:
    """The sha256 of what one mirror gave; empty where it is not the expected one."""
    for _ in range(2):
        resumed = part.size > 0
        fetch(client, url, part, size=file.size, has_checksum=bool(promised), policy=policy, watcher=watcher)
        came = sha256_of(part.path)
        if came == promised or not promised:
            return came
        part.discard()
        # The earlier partial bytes may have been wrong: the same mirror gets one more try.
        if not resumed:
            break
    return ""


def _unwritable(cache: Cache, file: CatalogueFile, error: OSError) -> ModelError:
    why = "the disk is full" if error.errno == errno.ENOSPC else str(error.strerror or error)
    return ModelError(
        f"{file.base} cannot be written to {cache.folder}: {why}.",
        f"Free some space, or set {CACHE} elsewhere.",
    )


def _host(url: str) -> str:
    """The host of an address, without the password that may stand before it."""
    try:
        return httpx.URL(url).host or url
    except httpx.InvalidURL:
        return url
