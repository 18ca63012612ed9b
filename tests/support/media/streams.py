"""Servers of streams on 127.0.0.1: MPEG-TS over bare TCP, and over RTP in RTSP's own connection."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase

TS_PACKET = 188
PIECE = 7 * TS_PACKET
MP2T = 33
"""Payload type of MPEG-TS (RFC 3551, table 5)."""

Serve = Callable[[socket.socket], None]


@contextmanager
def streaming(serve: Serve) -> Iterator[int]:
    """The port of a server that gives every client to `serve` and hangs up when it returns."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=attend, args=(client,), daemon=True).start()

        def attend(client: socket.socket) -> None:
            with client, suppress(OSError):  # the client has seen enough
                serve(client)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)


def over_tcp(data: bytes) -> Serve:
    """Sends the bytes and hangs up."""
    return lambda client: client.sendall(data)


def over_rtsp(data: bytes, asked: list[str] | None = None) -> Serve:
    """Enough of RTSP (RFC 2326) for one client that plays an MPEG-TS, sent between the answers (10.12).

    Args:
        asked: takes the first line of each request.
    """

    def serve(client: socket.socket) -> None:
        file = client.makefile("rb")
        while lines := _request(file):
            method, url = lines[0].split()[:2]
            if asked is not None:
                asked.append(lines[0])
            number = next(line.split(":")[1].strip() for line in lines if line.lower().startswith("cseq"))
            client.sendall(_answer(method, url, number))
            if method == "PLAY":
                for sent in range(0, len(data), PIECE):
                    client.sendall(_interleaved(sent // PIECE, data[sent : sent + PIECE]))
                return

    return serve


def _request(file: BufferedIOBase) -> list[str]:
    lines: list[str] = []
    while line := file.readline().decode().strip():
        lines.append(line)
    return lines


def _answer(method: str, url: str, number: str) -> bytes:
    body = ""
    headers = {
        "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN",
        "SETUP": "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1",
        "PLAY": "Session: 1",
        "TEARDOWN": "Session: 1",
    }.get(method, "")
    if method == "DESCRIBE":
        body = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=clip\r\nt=0 0\r\nm=video 0 RTP/AVP {MP2T}\r\n"
        headers = f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}"
    return f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{headers}\r\n\r\n{body}".encode()


def _interleaved(number: int, piece: bytes) -> bytes:
    packet = struct.pack(">BBHII", 0x80, MP2T, number & 0xFFFF, number * 90, 1) + piece
    return struct.pack(">cBH", b"$", 0, len(packet)) + packet
