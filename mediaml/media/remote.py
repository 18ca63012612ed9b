"""Access to a URL that the user typed: which protocols its scheme needs, and images over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import av

from mediaml import __version__
from mediaml.core.errors import MediaError
from mediaml.core.location import Url
from mediaml.media.limits import Limits

if TYPE_CHECKING:
    import httpx

# By scheme: the protocols of FFmpeg that may be opened for it, and demuxers beside those for files (`mpjpeg`
# is what cameras send). `http` may be redirected to `https`, never the other way; nothing leads to a file.
SCHEMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "http": ("http,https,httpproxy,tls,tcp", ("mpjpeg",)),
    "https": ("https,httpproxy,tls,tcp", ("mpjpeg",)),
    "rtsp": ("rtsp,rtp,udp,tcp", ("rtsp",)),
    "rtsps": ("rtsps,rtp,srtp,udp,tls,tcp", ("rtsp",)),
    "rtmp": ("rtmp,tcp", ()),
    "rtmps": ("rtmps,tls,tcp", ()),
    "rtp": ("rtp,udp", ("rtp",)),
    "udp": ("udp", ()),
    "tcp": ("tcp", ()),
}
# A stream in pieces (RFC 8216) is a playlist; its pieces may be encrypted.
PIECES = ".m3u8"
NEXT_STEP = "Check the address, and that its server can be reached from here."


def ffmpeg_options(url: Url) -> tuple[dict[str, str], tuple[str, ...]]:
    """What FFmpeg may do to open a URL: its options, and demuxers beside those for files.

    Raises:
        MediaError: nothing here reads a URL of that scheme.
    """
    if url.scheme not in SCHEMES:
        raise MediaError(
            f"{url} cannot be opened: URLs that begin with {url.scheme}:// are not supported.",
            f"Supported are {', '.join(SCHEMES)}.",
        )
    import certifi

    protocols, demuxers = SCHEMES[url.scheme]
    if in_pieces(url):
        protocols, demuxers = f"{protocols},crypto", (*demuxers, "hls")
    options = {
        "protocol_whitelist": protocols,
        "rtsp_flags": "prefer_tcp",  # so that no packet is lost
        "tls_verify": "1",  # FFmpeg asks for no certificate by itself
        "ca_file": os.environ.get("SSL_CERT_FILE") or certifi.where(),
    }
    return options, demuxers


def over_http(url: Url) -> bool:
    """Whether a URL is fetched by HTTP, so that it may be an image; other schemes carry streams."""
    return url.scheme in ("http", "https")


def in_pieces(url: Url) -> bool:
    """Whether a URL names the playlist of a stream in pieces."""
    return over_http(url) and PurePosixPath(url.text.partition("?")[0]).suffix.lower() == PIECES


def fetched(url: Url, limits: Limits, *, most: int | None = None) -> bytes:
    """The content of an HTTP URL, as a whole or its first `most` bytes.

    Raises:
        MediaError: the server cannot be reached, refuses, breaks off or falls silent; `LimitError` for more
            bytes than an image may have.
    """
    import httpx

    data = bytearray()
    try:
        with _opened(url, limits.silence_s) as response:
            if response.status_code != httpx.codes.OK:
                answer = f"its server answers {response.status_code}"
                raise MediaError(f"{url} cannot be opened: {answer}.", NEXT_STEP)
            for chunk in response.iter_bytes():
                data += chunk
                if most is not None and len(data) >= most:
                    break
                limits.check_image_bytes(url, len(data))
    except httpx.TimeoutException:
        raise silent(url) from None
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        reason = str(error).replace(url.text, str(url)) or type(error).__name__
        raise MediaError(f"{url} cannot be read: {reason.rstrip('.')}.", NEXT_STEP) from None
    return bytes(data[:most])


def silent(url: Url) -> MediaError:
    """The error for a server that sends nothing."""
    return MediaError(
        f"{url} cannot be read: its server sent no data for too long.",
        "Check that it runs, or wait longer with --url-timeout.",
    )


def refused(error: Exception, url: Url, doing: str) -> MediaError:
    """A readable error for what FFmpeg reported on a URL; `doing` is the participle of what was tried."""
    if isinstance(error, av.error.ExitError):
        return silent(url)
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        reason = (
            "it is damaged, cut off, no video or audio, or its end is needed first and its server does not "
            "send parts of a file"
        )
    elif isinstance(error, av.error.ArgumentError):
        reason = "it is not video or audio in a supported format, or leads to a protocol that is not allowed"
    elif isinstance(error, av.error.DecoderNotFoundError):
        reason = "no decoder for its codec"
    else:
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        reason = reason.replace("Server returned", "its server answers")
    return MediaError(f"{url} cannot be {doing}: {reason}.", NEXT_STEP)


@contextmanager
def _opened(url: Url, silence_s: float) -> Iterator[httpx.Response]:
    """The answer of the last of a bounded row of redirects, none of them from https to http."""
    import httpx

    def refuse(request: httpx.Request) -> None:
        if url.scheme == "https" and request.url.scheme != "https":
            raise httpx.UnsupportedProtocol("it redirects from https to http")

    headers = {"User-Agent": f"mediaml/{__version__}"}
    with (
        httpx.Client(
            timeout=silence_s, headers=headers, follow_redirects=True, event_hooks={"request": [refuse]}
        ) as client,
        client.stream("GET", url.text) as response,
    ):
        yield response
