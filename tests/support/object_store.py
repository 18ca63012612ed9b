"""A real S3 server on loopback, behind a proxy that notes what was sent and can fail on purpose."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "films"
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYSECRETKEY"
CUT = -1
"""The answer of a fault that ends the connection in the middle of the body."""

Fault = Callable[[str, str], int | None]
"""From method and path to a status to answer instead, `CUT`, or `None` for none."""


@dataclass(slots=True)
class Traffic:
    """What went through the proxy.

    Attributes:
        sent: method, path and bytes of the body of every answer, in order.
        fault: asked before every answer.
    """

    sent: list[tuple[str, str, int]] = field(default_factory=list)
    fault: Fault = lambda _method, _path: None

    def read(self, key: str) -> int:
        """Bytes of an object that were sent."""
        return sum(size for method, path, size in self.sent if method == "GET" and path == f"/{BUCKET}/{key}")


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A running server.

    Attributes:
        client: of boto3, past the proxy. traffic: see `Traffic`.
    """

    client: Any
    traffic: Traffic

    def put(self, key: str, content: bytes | Path) -> str:
        """Store an object; returns its URL."""
        body = content.read_bytes() if isinstance(content, Path) else content
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """A server with an empty bucket; this process and those that it starts find it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    traffic = Traffic()
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(host, port, traffic))
    proxy.daemon_threads = True
    Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.server_address[1]}",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "2",
    }
    with patch.dict(os.environ, environment):
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
        client.create_bucket(Bucket=BUCKET)
        try:
            yield ObjectStore(client, traffic)
        finally:
            proxy.shutdown()
            proxy.server_close()
            server.stop()


def _handler(host: str, port: int, traffic: Traffic) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass()

        def do_HEAD(self) -> None:
            self._pass()

        def do_PUT(self) -> None:
            self._pass()

        def do_POST(self) -> None:
            self._pass()

        def _pass(self) -> None:
            path = self.path.partition("?")[0]
            fault = traffic.fault(self.command, path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if fault is not None and fault != CUT:
                self.send_response(fault)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            upstream = HTTPConnection(host, port, timeout=30)
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(data))
            for name, value in answer.headers.items():
                if name.lower() not in (
                    "content-length",
                    "transfer-encoding",
                    "connection",
                    "date",
                    "server",
                ):
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if fault == CUT else data)
            traffic.sent.append((self.command, path, len(data)))
            upstream.close()
            if fault == CUT:
                self.close_connection = True

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler
