"""Objects of stores such as S3: listed, and read by ranges, through fsspec (extra `cloud`).

Credentials come from each provider's usual chain (environment, configuration files, the machine's role) and
are never part of a URL, a message or a ledger.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, TypeVar, cast

from mediaml.core.errors import MediaError
from mediaml.core.location import STORES, Url
from mediaml.media.limits import Limits

T = TypeVar("T")

BLOCK_BYTES = 1 << 20
"""Bytes per range request while an object is played from start to end."""
MOST_BLOCKS = 16
"""Blocks of one open object that are kept."""
LOOK_BYTES = 1 << 16
"""Bytes per range request while only headers are looked at."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What a store says of an object.

    Attributes:
        size: bytes. mtime_ns: time of last modification, ns since the epoch; 0 where it does not say.
        etag: changes with the content; empty where it does not say.
    """

    size: int
    mtime_ns: int = 0
    etag: str = ""


def object_facts(url: Url) -> ObjectFacts | None:
    """The facts of one object, asked for now; `None` where there is none of that name.

    Raises:
        MediaError: the store cannot be reached, refuses, or its package is not installed.
    """
    store = _store(url)
    try:
        info = _asked(url, lambda: store.info(url.text))
    except FileNotFoundError:
        return None
    return _facts(info) if info.get("type") == "file" else None


def list_objects(url: Url, *, recursive: bool = True) -> Iterator[tuple[Url, ObjectFacts]]:
    """The objects below a prefix, or those that match a pattern with `*`, in no particular order.

    Raises:
        MediaError: see `object_facts`.
    """
    store = _store(url)
    depth = None if recursive else 1
    if any(mark in url.text for mark in "*?"):
        found = _asked(url, lambda: store.glob(url.text, detail=True))
    else:
        found = _asked(url, lambda: store.find(url.text.rstrip("/") + "/", maxdepth=depth, detail=True))
    for name, info in found.items():
        if info.get("type") == "file" and not name.endswith("/"):
            yield Url(f"{url.scheme}://{name.removeprefix(f'{url.scheme}://')}"), _facts(info)


def open_object(url: Url, *, block: int = BLOCK_BYTES) -> BinaryIO:
    """An object as a binary file that can be sought; blocks are fetched when they are read.

    Reading raises `OSError`, also where the object has changed since it was opened.

    Raises:
        MediaError: see `object_facts`; or there is no such object.
    """
    store = _store(url)
    options = {"maxblocks": MOST_BLOCKS} if block == BLOCK_BYTES else {"maxblocks": 4}
    try:
        file = _asked(
            url,
            lambda: store.open(
                url.text, "rb", block_size=block, cache_type="blockcache", cache_options=options
            ),
        )
    except FileNotFoundError:
        raise _missing(url) from None
    return cast("BinaryIO", io.BufferedReader(_ObjectFile(file), min(block, 1 << 16)))


def read_object(url: Url, limits: Limits) -> bytes:
    """The content of an object that is an image, in one request.

    Raises:
        MediaError: see `open_object`; `LimitError` where it is larger than an image may be.
    """
    facts = object_facts(url)
    if facts is None:
        raise _missing(url)
    limits.check_image_bytes(url, facts.size)
    store = _store(url)
    data: bytes = _asked(url, lambda: store.cat_file(url.text))
    return data


class _ObjectFile(io.RawIOBase):
    """An open file of fsspec whose errors are all `OSError`s, which decoders' callers expect."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any, /) -> int:
        try:
            data = self._file.read(len(buffer))
        except Exception as error:  # noqa: BLE001  packages of providers raise classes of their own
            raise OSError(_reason(error)) from None
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _store(url: Url) -> Any:
    """The file system of a URL's scheme, with whatever credentials are there.

    Raises:
        MediaError: its package is not installed.
    """
    try:
        import fsspec

        # Without a cache of listings every look at an object is a new one.
        return fsspec.filesystem(url.scheme, use_listings_cache=False, skip_instance_cache=False)
    except ImportError:
        raise MediaError(
            f"{url} cannot be read: the package {STORES[url.scheme]} is not installed.",
            'Install it with pip install "mediaml[cloud]".',
        ) from None


def _asked(url: Url, ask: Callable[[], T]) -> T:
    """The answer of a store.

    Raises:
        FileNotFoundError: there is no such object or bucket.
        MediaError: it cannot be reached or refuses.
    """
    try:
        return ask()
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001  packages of providers raise classes of their own
        raise MediaError(f"{url} cannot be read: {_reason(error)}.", _HINT) from None


_HINT = "Check the address, the credentials of this machine, and that the store can be reached from here."


def _missing(url: Url) -> MediaError:
    return MediaError(f"{url} cannot be read: there is no such object.", "Check the address.")


def _reason(error: Exception) -> str:
    name = type(error).__name__
    if isinstance(error, PermissionError):
        return "its store denies permission"
    if isinstance(error, FileNotFoundError):
        return "it is gone"
    if name in ("FileExpired", "PreconditionFailed"):
        return "it has changed since it was opened"
    if name in ("NoCredentialsError", "PartialCredentialsError", "ClientAuthenticationError"):
        return "there are no credentials for its store"
    return f"its store failed ({name})"


def _facts(info: dict[str, Any]) -> ObjectFacts:
    time = next(
        (info[key] for key in ("LastModified", "mtime", "updated", "last_modified") if info.get(key)), None
    )
    etag = next((info[key] for key in ("ETag", "etag", "md5Hash") if info.get(key)), "")
    return ObjectFacts(int(info["size"] or 0), _nanoseconds(time), str(etag).strip('"'))


def _nanoseconds(time: Any) -> int:
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if not isinstance(time, datetime):
        return 0
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000) * 1_000_000
