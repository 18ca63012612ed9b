"""The process that makes thumbnails: the other end of `mediaml.outputs.report.thumbnails`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from mediaml.engine.local.heartbeat import Heartbeat
from mediaml.engine.local.link import Link
from mediaml.media.reader import import_decoders
from mediaml.media.write.thumbnail import write_strip, write_thumbnails
from mediaml.outputs.report.messages import Made, Thumbnails


def make_thumbnails(receiving: IO[bytes], sending: IO[bytes]) -> None:
    """Body of the process: make what is asked for until the pipe is closed."""
    link: Link[Any] = Link(Thumbnails, receiving, sending)
    import_decoders()
    heartbeat = Heartbeat(link)
    while isinstance(order := link.receive(), Thumbnails):
        link.send(Made(order.source, _make(order, heartbeat.step)))
    os._exit(0)  # nothing is left to clean up, and cleaning up takes time


def _make(order: Thumbnails, step: Callable[[], None]) -> str:
    """Make them; returns why some are missing, or nothing."""
    path = Path(os.fsdecode(order.location))
    try:
        if order.targets:
            targets = [Path(os.fsdecode(target)) for target in order.targets]
            write_thumbnails(path, order.kind, list(zip(order.moments, targets, strict=True)), step=step)
        if order.strip is not None:
            write_strip(path, Path(os.fsdecode(order.strip)), order.end_s, step=step)
    except Exception as error:  # noqa: BLE001  a decoder may raise anything; the report says what
        return str(error).partition("\n")[0] or type(error).__name__
    return ""
