"""HTTP: one file from one address, resumed where possible, never larger than expected."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from mediaml import __version__
from mediaml.core.errors import ModelError
from mediaml.store.network import TransferPolicy, megabytes
from mediaml.store.partial_file import PartialFile
from mediaml.store.watcher import Watcher

SIZE_LIMIT = 8 << 30
"""Bytes of the largest file that is downloaded where no size is known."""

REDIRECTS = 8
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_MOVED = {301, 302, 303, 307, 308}


class RefusedError(Exception):
    """This address failed; the next one may work."""


class InterruptedTransferError(Exception):
    """The transfer broke off; the same address may be tried again."""


@contextmanager
def open_client(policy: TransferPolicy) -> Iterator[httpx.Client]:
    """A client that obeys the proxies and certificates of the environment.

    Raises:
        ModelError: the proxy that the environment names cannot be used.
    """
    timeout = httpx.Timeout(policy.silence_s, connect=policy.connect_s)
    headers = {"User-Agent": f"mediaml/{__version__}", "Accept-Encoding": "identity"}
    try:
        client = httpx.Client(timeout=timeout, headers=headers, follow_redirects=False)
    except (ImportError, ValueError, httpx.InvalidURL, OSError) as error:
        raise ModelError(
            f"the proxy or certificates that the environment names cannot be used: {error}.",
            "Correct or unset HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE.",
        ) from error
    with client:
        yield client


def fetch(
    client: httpx.Client,
    url: str,
    part: PartialFile,
    *,
    size: int | None,
    has_checksum: bool,
    policy: TransferPolicy,
    watcher: Watcher,
) -> None:
    """Fill a part from one address, as often as it takes.

    Args:
        size: bytes that the file must have; `None` where it is not known.
        has_checksum: the file will be verified. Bytes of another origin may then be completed; without one
            only bytes of the same entity tag.

    Raises:
        RefusedError: the address does not have the file, has another one, or stayed silent too often.
        OSError: the part cannot be written.
    """
    idle = 0
    for _ in range(policy.attempts):
        before = part.size
        try:
            _attempt(client, url, part, size=size, has_checksum=has_checksum, watcher=watcher)
            return
        except InterruptedTransferError as error:
            reason = str(error)
        idle = 0 if part.size > before else idle + 1
        if idle >= policy.tries:
            raise RefusedError(reason)
        time.sleep(policy.pause_s * 2 ** max(idle - 1, 0))
    raise RefusedError(f"{reason}, after {policy.attempts} attempts")


def _attempt(
    client: httpx.Client,
    url: str,
    part: PartialFile,
    *,
    size: int | None,
    has_checksum: bool,
    watcher: Watcher,
) -> None:
    etag = part.etag(url)
    if not (has_checksum or etag):
        part.discard()
    have = part.size
    if size is not None and have >= size:
        if have == size:
            return
        part.discard()
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and etag:
        headers["If-Range"] = etag
    try:
        with _opened(client, url, headers) as response:
            _receive(response, url, part, size=size, watcher=watcher)
    except httpx.TimeoutException as error:
        raise InterruptedTransferError("it stopped answering") from error
    except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise RefusedError(f"it cannot be reached ({error})") from error
    except httpx.TransportError as error:
        raise InterruptedTransferError("the connection broke off") from error


@contextmanager
def _opened(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """The answer of the last of a bounded row of redirects; none leaves http(s), or https for http."""
    at = httpx.URL(url)
    for _ in range(REDIRECTS + 1):
        with client.stream("GET", at, headers=headers) as response:
            if response.status_code not in _MOVED:
                yield response
                return
            target = response.headers.get("location", "")
        try:
            onward = at.join(target)
        except httpx.InvalidURL as error:
            raise RefusedError("it redirects to an invalid address") from error
        if onward.scheme not in {"http", "https"}:
            raise RefusedError(f"it redirects to {onward.scheme}:, which is never followed")
        if at.scheme == "https" and onward.scheme == "http":
            raise RefusedError("it redirects from https to http")
        at = onward
    raise RefusedError(f"it redirects more than {REDIRECTS} times")


def _receive(
    response: httpx.Response, url: str, part: PartialFile, *, size: int | None, watcher: Watcher
) -> None:
    status = response.status_code
    if status in _AGAIN:
        raise InterruptedTransferError(f"it answers {status}")
    if status == 416:
        part.discard()
        raise InterruptedTransferError("its file is shorter than the part downloaded so far")
    if status not in {200, 206}:
        raise RefusedError(f"it answers {status}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise RefusedError("it sends the file compressed, though asked not to")
    total = _total(response, part)
    if size is not None and total not in (None, size):
        raise RefusedError(f"it has a file of {total} bytes, not of {size}")
    limit = size or SIZE_LIMIT
    if total is not None and total > limit:
        raise RefusedError(f"it has a file of {megabytes(total)}, more than the limit for a model")
    if status == 200:
        part.begin(url, response.headers.get("etag", ""))
    _write(response, part, limit, watcher)
    if part.size < (size or total or 0):
        raise InterruptedTransferError("the connection broke off")


def _total(response: httpx.Response, part: PartialFile) -> int | None:
    """Bytes of the whole file as the server says; `None` where it does not."""
    if response.status_code == 200:
        length = response.headers.get("content-length", "")
        return int(length) if length.isdecimal() else None
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", "").strip())
    if span is None or int(span[1]) != part.size:
        part.discard()
        raise InterruptedTransferError("it sends another part than the one that was asked for")
    return None if span[2] == "*" else int(span[2])


def _write(response: httpx.Response, part: PartialFile, limit: int, watcher: Watcher) -> None:
    have = part.size
    with part.path.open("ab") as file:
        for chunk in response.iter_raw():
            have += len(chunk)
            if have > limit:
                break
            file.write(chunk)
            watcher.reached(have)
    if have > limit:
        part.discard()
        raise RefusedError(f"it sends more than the expected {limit} bytes")
