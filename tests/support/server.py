"""A real HTTP server on 127.0.0.1 that serves files well, and in every way that a server can misbehave."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = bytes(index * 7 % 251 for index in range(200_000))


@dataclass
class Site:
    """What the server serves, and what it was asked.

    Attributes:
        body: of every path that has none of its own in `bodies`.
        behaviour: by path, the names of a `_Handler._...` method for the first, second, ... request; the
            last one stays. Without an entry a path is served well.
        asked: path and headers of every request, in order.
    """

    address: str = ""
    body: bytes = BODY
    bodies: dict[str, bytes] = field(default_factory=dict)
    etag: str = '"v1"'
    behaviour: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"

    def ranges(self) -> list[str | None]:
        """The Range header of every request."""
        return [headers.get("range") for _, headers in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.site.asked.append((path, {name.lower(): value for name, value in self.headers.items()}))
        plan = self.site.behaviour.get(path, ["well"])
        way = plan.pop(0) if len(plan) > 1 else plan[0]
        if way.isdecimal():
            self._head(int(way), {"Content-Length": "0"})
        else:
            getattr(self, f"_{way}")()

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            # RFC 9112, 9.6: who was asked to close says so; FFmpeg goes by it.
            self.send_header("Connection", "close")
        self.end_headers()

    def _well(self) -> None:
        body, etag = self.site.bodies.get(self.path.lstrip("/"), self.site.body), self.site.etag
        span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range", etag)
        if span is None or condition != etag:
            self._head(200, {"Content-Length": str(len(body)), "ETag": etag})
            self.wfile.write(body)
            return
        start = int(span[1])
        if start >= len(body):
            self._head(416, {"Content-Length": "0", "Content-Range": f"bytes */{len(body)}"})
            return
        where = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self._head(206, {"Content-Length": str(len(body) - start), "Content-Range": where, "ETag": etag})
        self.wfile.write(body[start:])

    def _half(self) -> None:
        """Promises all of it, sends half and hangs up."""
        self._send(len(self.site.body), self.site.body[: len(self.site.body) // 2])

    def _deaf(self) -> None:
        """Ignores Range."""
        self._send(len(self.site.body), self.site.body)

    def _short(self) -> None:
        """Says that the file is shorter than it is."""
        self._send(1000, self.site.body[:1000])

    def _long(self) -> None:
        """Says that the file is longer than it is."""
        self._send(len(self.site.body) + 1, self.site.body + b"x")

    def _endless(self) -> None:
        """Says no length and never ends."""
        self._head(200, {"Connection": "close"})
        sent = 0
        try:
            while not self.site.stop.is_set() and sent < 50 * len(self.site.body):
                self.wfile.write(self.site.body)
                sent += len(self.site.body)
        except OSError:
            pass
        self.close_connection = True

    def _wrong(self) -> None:
        """Other bytes of the right length."""
        self._send(len(self.site.body), self.site.body[::-1])

    def _otherpart(self) -> None:
        """Another part than the one that was asked for."""
        total = len(self.site.body)
        self._head(206, {"Content-Length": str(total - 10), "Content-Range": f"bytes 10-{total - 1}/{total}"})
        self.wfile.write(self.site.body[10:])

    def _packed(self) -> None:
        self._head(200, {"Content-Length": "10", "Content-Encoding": "gzip"})
        self.wfile.write(b"0123456789")

    def _stalled(self) -> None:
        """Sends a little and falls silent."""
        self._head(200, {"Content-Length": str(len(self.site.body)), "ETag": self.site.etag})
        self.wfile.write(self.site.body[:5000])
        self.wfile.flush()
        self.site.stop.wait(20)
        self.close_connection = True

    def _slow(self) -> None:
        """Sends half of it at once, then nothing for a while, then the rest."""
        middle = len(self.site.body) // 2
        self._head(200, {"Content-Length": str(len(self.site.body)), "ETag": self.site.etag})
        self.wfile.write(self.site.body[:middle])
        self.wfile.flush()
        time.sleep(1.0)
        self.wfile.write(self.site.body[middle:])

    def _halts(self) -> None:
        """Sends half of it at once, then nothing until the client has gone (half a minute at most)."""
        middle = len(self.site.body) // 2
        self._head(200, {"Content-Length": str(len(self.site.body)), "ETag": self.site.etag})
        self.wfile.write(self.site.body[:middle])
        self.wfile.flush()
        self.connection.settimeout(30.0)
        with contextlib.suppress(OSError):
            self.connection.recv(1)
        self.close_connection = True

    def _locked(self) -> None:
        """Serves well whoever gives the name `user` and the password `secret`."""
        if self.headers.get("Authorization") == "Basic dXNlcjpzZWNyZXQ=":
            self._well()
        else:
            self._head(401, {"WWW-Authenticate": 'Basic realm="clips"', "Content-Length": "0"})

    def _circle(self) -> None:
        self._head(302, {"Location": self.path, "Content-Length": "0"})

    def _moved(self) -> None:
        self._head(302, {"Location": "/elsewhere", "Content-Length": "0"})

    def _tofile(self) -> None:
        self._head(302, {"Location": "file:///etc/passwd", "Content-Length": "0"})

    def _send(self, length: int, body: bytes) -> None:
        self._head(200, {"Content-Length": str(length), "ETag": self.site.etag})
        self.wfile.write(body)
        self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up on us is what many tests are about."""


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """A site that is served until the context ends."""
    site = Site()
    handler = type("Handler", (_Handler,), {"site": site})
    server = _Server(("127.0.0.1", 0), handler)
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
