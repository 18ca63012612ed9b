"""What decoding libraries log, kept with the file that they log it of instead of on stderr."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Those that decode images here: libpng's and libtiff's own warnings come through imagecodecs and tifffile.
LOGGERS = ("imagecodecs", "tifffile", "PIL")


class _Lines(logging.Handler):
    """Collects the messages of one thread: files are read side by side."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage().strip())


@contextmanager
def library_log() -> Iterator[list[str]]:
    """Warnings that the libraries log in this thread while the context is open."""
    handler = _Lines()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
