"""Results as JSON lines while they are committed, to a file or a pipe that may close at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from mediaml.outputs.jsonl import write_line


class StreamClosed(Exception):  # noqa: N818  a reader that closes the pipe is not an error
    """The reader of the stream has closed it."""


class ResultStream:
    """Writes lines to a binary stream until a write fails, then stops.

    Attributes:
        problem: why writing failed, one sentence; empty while it works.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream: IO[bytes] | None = stream
        self.problem = ""

    def write(self, lines: Iterable[bytes]) -> None:
        """Write lines and flush them.

        Raises:
            StreamClosed: the reader is gone.
        """
        if self._stream is None:
            return
        try:
            for line in lines:
                write_line(self._stream, line)
            self._stream.flush()
        except BrokenPipeError as error:
            self._stream = None
            raise StreamClosed from error
        except OSError as error:
            self._stream = None
            self.problem = f"the stream of results cannot be written: {error.strerror}."
