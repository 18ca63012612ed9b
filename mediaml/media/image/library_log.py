"""Messages of decoding libraries, attributed to their file instead of printed on stderr."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Those that decode images here: libpng's and libtiff's own warnings come through imagecodecs and tifffile.
LOGGERS = ("imagecodecs", "tifffile", "PIL")

_LOGGERS = [logging.getLogger(name) for name in LOGGERS]
# A handler is kept by each thread: to make one costs as much as to decode a small image.
_OF_THREAD = threading.local()


class _Lines(logging.Handler):
    """Collects the messages of one thread: files are read side by side."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.is_open = False
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage().strip())


@contextmanager
def library_log() -> Iterator[list[str]]:
    """Warnings that the libraries log in this thread while the context is open."""
    handler = getattr(_OF_THREAD, "handler", None)
    if handler is None or handler.is_open:
        handler = _OF_THREAD.handler = _Lines()
    handler.lines, handler.is_open = [], True
    for logger in _LOGGERS:
        logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        handler.is_open = False
        for logger in _LOGGERS:
            logger.removeHandler(handler)


_WARNINGS = threading.Lock()


@contextmanager
def pillow_warnings(lines: list[str]) -> Iterator[None]:
    """Add what Pillow warns of, such as damaged EXIF, to some lines; for short calls only.

    Python keeps one list of warning filters for all threads: one call at a time, and what others warn of
    meanwhile is passed on.
    """
    with _WARNINGS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        for warning in caught:
            if "PIL" in Path(warning.filename).parts:
                lines.append(str(warning.message).strip())
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
