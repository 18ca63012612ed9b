"""Messages over a pair of byte streams: a length of four bytes, then MessagePack."""

from __future__ import annotations

import struct
import threading
from typing import IO, Any, Generic, TypeVar

import msgspec

from mediaml.engine.messages import Message

_LENGTH = struct.Struct("!I")
Incoming = TypeVar("Incoming")


class Link(Generic[Incoming]):
    """One end of the connection.

    Args:
        incoming: the union of the messages that it receives.
        receiving, sending: binary streams; sending flushes after every message.
    """

    def __init__(self, incoming: Any, receiving: IO[bytes], sending: IO[bytes]) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: Any = msgspec.msgpack.Decoder(incoming)
        self._receiving = receiving
        self._sending = sending
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Send a message; may be called from any thread.

        Raises:
            OSError: the other end is closed.
        """
        body = self._encoder.encode(message)
        with self._lock:
            self._sending.write(_LENGTH.pack(len(body)) + body)
            self._sending.flush()

    def receive(self) -> Incoming | None:
        """Wait for a message; `None` when the other end has gone.

        Raises:
            msgspec.DecodeError: the message is not valid.
        """
        head = self._receiving.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(head)
        body = self._receiving.read(length)
        if len(body) < length:
            return None
        message: Incoming = self._decoder.decode(body)
        return message
