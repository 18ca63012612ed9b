"""The messages between a report's writer and the processes that make its thumbnails."""

from __future__ import annotations

from mediaml.core.media import Kind
from mediaml.engine.messages import Alive, Message


class Thumbnails(Message, frozen=True):
    """Make the thumbnails of a source.

    Attributes:
        source: its id in the ledger. location: its file, in the system's encoding. kind: what to read.
        moments: times of the frames, ascending, seconds. targets: a JPEG file for each.
        strip: the PNG file of its spectrogram; `None` for none. end_s: where that ends, seconds.
    """

    source: int
    location: bytes
    kind: Kind
    moments: tuple[float, ...] = ()
    targets: tuple[bytes, ...] = ()
    strip: bytes | None = None
    end_s: float = 0.0


class Made(Message, frozen=True):
    """The outcome of `Thumbnails`.

    Attributes:
        source: its id. problem: why some are missing, one line; empty where none is.
    """

    source: int
    problem: str = ""


FromMaker = Made | Alive
